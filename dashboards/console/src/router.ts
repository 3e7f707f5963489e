// Pages. Everything but /login needs a session; the watch page is in the first load, the others come when asked for.
import { createRouter, createWebHistory } from 'vue-router';
import { me, resume } from './live/session';
import LoginView from './views/LoginView.vue';
import WatchView from './views/WatchView.vue';

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', redirect: '/watch' },
    { path: '/login', name: 'login', component: LoginView },
    { path: '/watch', name: 'watch', component: WatchView },
    { path: '/orders', name: 'orders', component: () => import('./views/OrdersView.vue') },
    { path: '/incidents', name: 'incidents', component: () => import('./views/IncidentsView.vue') },
    { path: '/incident/:id', name: 'incident', component: () => import('./views/IncidentView.vue'), props: true },
    { path: '/hidden-dangers', name: 'hidden-dangers', component: () => import('./views/LedgerView.vue') },
    { path: '/handover', name: 'handover', component: () => import('./views/HandoverView.vue') },
    { path: '/roster', name: 'roster', component: () => import('./views/RosterView.vue') },
    { path: '/log', name: 'log', component: () => import('./views/LogView.vue') },
    { path: '/roll-call', name: 'roll-call', component: () => import('./views/RollCallView.vue') },
    { path: '/drills', name: 'drills', component: () => import('./views/DrillsView.vue') },
    { path: '/tags', name: 'tags', component: () => import('./views/TagsView.vue') },
    { path: '/video', name: 'video', component: () => import('./views/VideoView.vue') },
    { path: '/playback', name: 'playback', component: () => import('./views/PlaybackView.vue') },
    { path: '/notices', name: 'notices', component: () => import('./views/NoticesView.vue') },
    { path: '/audit', name: 'audit', component: () => import('./views/AuditView.vue') },
    { path: '/accounts', name: 'accounts', component: () => import('./views/AccountsView.vue') },
    { path: '/tokens', name: 'tokens', component: () => import('./views/TokensView.vue') },
    { path: '/m', name: 'field', component: () => import('./views/FieldView.vue') },
    { path: '/:rest(.*)', redirect: '/watch' },
  ],
});

router.beforeEach(async (to) => {
  if (!me.value && to.name !== 'login') {
    // An unreachable server at the first load: the login page says so when asked.
    const known = await resume().catch(() => false);
    if (!known) return { name: 'login' };
  }
  // Field staff have one page: their own orders.
  return me.value?.role === 'field' && to.name !== 'field' && to.name !== 'login' ? { name: 'field' } : true;
});
