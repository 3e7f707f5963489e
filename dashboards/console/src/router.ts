// Pages. Everything but /login needs a session; the watch page is in the first load, the others come when asked for.
import { createRouter, createWebHistory } from 'vue-router';
import { me, resume } from './live/session';
import LoginView from './views/LoginView.vue';
import WatchView from './views/WatchView.vue';

export const PAGES = ['watch', 'tags', 'orders', 'notices', 'audit'] as const;
export type Page = (typeof PAGES)[number];

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', redirect: '/watch' },
    { path: '/login', name: 'login', component: LoginView },
    { path: '/watch', name: 'watch', component: WatchView },
    { path: '/tags', name: 'tags', component: () => import('./views/TagsView.vue') },
    { path: '/orders', name: 'orders', component: () => import('./views/OrdersView.vue') },
    { path: '/notices', name: 'notices', component: () => import('./views/NoticesView.vue') },
    { path: '/audit', name: 'audit', component: () => import('./views/AuditView.vue') },
    { path: '/:rest(.*)', redirect: '/watch' },
  ],
});

router.beforeEach(async (to) => {
  if (me.value || to.name === 'login') return true;
  // An unreachable server at the first load: the login page says so when asked.
  const known = await resume().catch(() => false);
  return known ? true : { name: 'login' };
});
