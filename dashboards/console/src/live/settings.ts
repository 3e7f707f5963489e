// What a person chose on this computer: theme, density, language. Kept in localStorage, nowhere else.
import { reactive, watch } from 'vue';
import { type Language, language } from '../i18n';
import { paint, type Theme } from '../palette/palette';

export type Density = 'compact' | 'comfortable';

interface Settings {
  theme: Theme;
  density: Density;
  language: Language;
}

const STORE = 'fenghuo.settings';

function stored(): Partial<Settings> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(STORE) ?? '{}');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {}; // private mode or a broken entry: the defaults are good
  }
}

function initial(): Settings {
  const { theme, density, language: chosen } = stored();
  return {
    theme: theme === 'light' ? 'light' : 'dark',
    density: density === 'comfortable' ? 'comfortable' : 'compact',
    language: chosen === 'en' ? 'en' : 'zh',
  };
}

export const settings = reactive<Settings>(initial());

/** Applies the settings to the page now and on every change. */
export function applySettings(root: HTMLElement): void {
  const apply = (): void => {
    paint(settings.theme, root);
    root.dataset.density = settings.density;
    root.lang = settings.language === 'zh' ? 'zh-CN' : 'en';
    language.value = settings.language;
    try {
      localStorage.setItem(STORE, JSON.stringify(settings));
    } catch {
      // storage refused: the choice lasts for this page
    }
  };
  watch(settings, apply, { immediate: true, flush: 'sync' });
}
