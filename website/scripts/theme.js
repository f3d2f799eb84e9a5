/**
 * Light or dark: as the system says, until somebody presses the button. The choice stays on this machine, in the local
 * storage of the browser. Runs before the page is painted, so that it does not flash.
 */
(() => {
  const KEY = 'mesh-theme';
  const root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');

  /** @type {() => string | null} null where storage is switched off */
  function stored() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  }

  /** @type {(theme: string) => void} */
  function store(theme) {
    try {
      localStorage.setItem(KEY, theme);
    } catch (error) {
      // Without storage the choice holds for this page only.
      console.debug(error);
    }
  }

  const isDark = () => (root.dataset.theme === undefined ? dark.matches : root.dataset.theme === 'dark');

  const theme = stored();
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  // Styles show what only works with scripts.
  root.classList.add('scripted');

  document.addEventListener('DOMContentLoaded', () => {
    const button = document.getElementById('theme');
    if (button === null) return;
    const show = () => {
      button.textContent = isDark() ? 'Light' : 'Dark';
      button.setAttribute('aria-label', isDark() ? 'Light colours' : 'Dark colours');
    };
    button.addEventListener('click', () => {
      root.dataset.theme = isDark() ? 'light' : 'dark';
      store(root.dataset.theme);
      show();
    });
    dark.addEventListener('change', show);
    show();
  });
})();
