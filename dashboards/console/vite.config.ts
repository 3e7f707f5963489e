import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

// The server sends a strict Content-Security-Policy: no inline script, no data: asset, nothing off the origin.
export default defineConfig({
  plugins: [vue()],
  define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false' },
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
  server: { proxy: { '/api': { target: process.env.FENGHUO_URL ?? 'http://127.0.0.1:8600', ws: true } } },
});
