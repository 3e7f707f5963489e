import { createApp } from 'vue';
import App from './App.vue';
import './app.css';
import { applySettings } from './live/settings';
import { router } from './router';

applySettings(document.documentElement);
createApp(App).use(router).mount('#app');
