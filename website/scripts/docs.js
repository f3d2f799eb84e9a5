/**
 * Search in the documents, and small helps for narrow screens. The library and the text are loaded when somebody begins
 * to search, as scripts, because a page that was opened from a folder may not fetch.
 */
(() => {
  /** @typedef {{ id: number, page: string, title: string, body: string, href: string }} Section */
  /** @typedef {{ add(one: Section): void, addAll(all: readonly Section[]): void, search(text: string): ({ id: number, terms: string[] })[] }} Index */

  const RESULTS_MAX = 20;
  /** Characters shown before and after the first match. */
  const BEFORE = 50;
  const AFTER = 130;

  const docs = document.documentElement.dataset.docs ?? '';

  /** @type {(id: string) => HTMLElement} */
  function element(id) {
    const found = document.getElementById(id);
    if (found === null) throw new Error(`the page has no element ${id}`);
    return found;
  }

  const input = /** @type {HTMLInputElement} */ (element('search'));
  const status = element('search-status');
  const results = element('search-results');

  /** @type {(name: string) => Promise<void>} */
  function load(name) {
    return new Promise((resolve, reject) => {
      const script = document.createElement('script');
      script.src = docs + name;
      script.onload = () => resolve();
      script.onerror = () => reject(new Error(`${name} could not be loaded`));
      document.head.append(script);
    });
  }

  /** @type {Promise<{ index: Index, sections: readonly Section[] }> | undefined} */
  let loading;

  function loadIndex() {
    loading ??= Promise.all([load('search-library.js'), load('search-sections.js')]).then(() => {
      const MiniSearch = Reflect.get(globalThis, 'MiniSearch');
      const sections = /** @type {readonly Section[]} */ (Reflect.get(globalThis, 'meshSections'));
      /** @type {Index} */
      const index = new MiniSearch({
        fields: ['title', 'page', 'body'],
        searchOptions: { boost: { title: 4, page: 2 }, prefix: true, fuzzy: 0.15, combineWith: 'AND' },
      });
      index.addAll(sections);
      return { index, sections };
    });
    return loading;
  }

  /** @type {(text: string, terms: readonly string[]) => (Node | string)[]} The text around the first match, matches marked. */
  function excerpt(text, terms) {
    const escaped = terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    const pattern = new RegExp(`(${escaped.join('|')})`, 'gi');
    const at = Math.max(0, text.search(pattern));
    const from = at <= BEFORE ? 0 : text.indexOf(' ', at - BEFORE) + 1;
    const cut = text.slice(from, at + AFTER);
    const parts = cut.split(pattern).map((part, i) => {
      if (i % 2 === 0) return part;
      const mark = document.createElement('mark');
      mark.textContent = part;
      return mark;
    });
    return [from > 0 ? '… ' : '', ...parts, from + cut.length < text.length ? ' …' : ''];
  }

  /** @type {(section: Section, terms: readonly string[]) => HTMLLIElement} */
  function resultOf(section, terms) {
    const item = document.createElement('li');
    const link = document.createElement('a');
    const text = document.createElement('p');
    link.href = docs + section.href;
    link.textContent = section.title === section.page ? section.page : `${section.page}: ${section.title}`;
    text.append(...excerpt(section.body, terms));
    item.append(link, text);
    return item;
  }

  async function search() {
    const text = input.value.trim();
    const { index, sections } = await loadIndex();
    // Somebody may have typed on while the index was loading.
    if (text !== input.value.trim()) return;
    const found = text === '' ? [] : index.search(text);
    const shown = found.slice(0, RESULTS_MAX).flatMap(({ id, terms }) => {
      const section = sections[id];
      return section === undefined ? [] : [resultOf(section, terms)];
    });
    results.replaceChildren(...shown);
    results.hidden = shown.length === 0;
    const most = found.length > RESULTS_MAX ? `, the first ${RESULTS_MAX} are shown` : '';
    if (text === '') status.textContent = '';
    else if (found.length === 0)
      status.textContent = `Nothing found for “${text}”. Try fewer or shorter words.`;
    else status.textContent = `${found.length} ${found.length === 1 ? 'place' : 'places'} found${most}.`;
  }

  function searchOrSay() {
    search().catch((error) => {
      status.textContent = `The search does not work: ${error.message}. Reload the page, or build the docs anew with "npm run docs".`;
    });
  }

  input.addEventListener('input', searchOrSay);
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      input.value = '';
      searchOrSay();
    }
  });
  element('search-form').addEventListener('submit', (event) => {
    event.preventDefault();
    results.querySelector('a')?.focus();
  });
  results.addEventListener('click', (event) => {
    // A result on this page changes the place only, and would leave the list in the way.
    if (!(event.target instanceof HTMLAnchorElement)) return;
    input.value = '';
    searchOrSay();
  });

  // --- Narrow screens

  /** @type {(selector: string, width: string) => void} Opens a list where it has a column of its own, and folds it elsewhere. */
  function foldBelow(selector, width) {
    const details = /** @type {HTMLDetailsElement | null} */ (document.querySelector(selector));
    const wide = matchMedia(`(min-width: ${width})`);
    const fold = () => {
      if (details !== null) details.open = wide.matches;
    };
    wide.addEventListener('change', fold);
    fold();
  }

  // The same widths as in docs.css.
  foldBelow('.pages', '62rem');
  foldBelow('.contents', '80rem');

  /** @type {(target: Element) => void} What scrolls sideways must be reachable by keyboard, and only then be a stop on the way. */
  function reach(target) {
    if (target.scrollWidth <= target.clientWidth) {
      for (const name of ['tabindex', 'role', 'aria-label']) target.removeAttribute(name);
      return;
    }
    target.setAttribute('tabindex', '0');
    target.setAttribute('role', 'group');
    target.setAttribute(
      'aria-label',
      target.matches('pre') ? 'Code, scrolls sideways' : 'Table, scrolls sideways',
    );
  }

  const wides = document.querySelectorAll('main pre, main .scroll');
  const watcher = new ResizeObserver((entries) => {
    for (const { target } of entries) reach(target);
  });
  // A font that comes late widens the text, and not the box around it, which is all that the observer looks at.
  document.fonts.addEventListener('loadingdone', () => wides.forEach(reach));
  for (const one of wides) watcher.observe(one);
})();
