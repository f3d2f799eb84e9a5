/**
 * URLs may carry a password before their host and a token in their query. Where a text of them goes to a screen, a log or an
 * error, those parts become `***`.
 */

const SCHEME = /^\s*(?:[a-z][a-z0-9+.-]*:\/\/)?/i;

function maskOne(text: string): string {
  const scheme = SCHEME.exec(text)?.[0] ?? '';
  const rest = text.slice(scheme.length);
  const [at, query] = [rest.lastIndexOf('@'), rest.indexOf('?')];
  if (at >= 0 && query >= 0 && query < at) return `${scheme}***`; // nobody can tell which of the two the @ belongs to
  const shown = query < 0 ? rest : `${rest.slice(0, query)}?***`;
  return at < 0 ? scheme + shown : `${scheme}***${shown.slice(at)}`;
}

/**
 * What somebody wrote as an option, for an error: one URL or a list with commas. It may be no URL at all, so everything
 * that could be a user name, a password or a query is masked.
 */
export function maskOption(text: string): string {
  // A password may hold a comma: only one before a new scheme separates.
  return text
    .split(/,(?=\s*[a-z][a-z0-9+.-]*:\/\/)/i)
    .map(maskOne)
    .join(',');
}

/** Deeper than anything that is logged. */
const DEPTH_MAX = 8;
const QUERY = /\b([a-z][a-z0-9+.-]*:\/\/[^\s?"'#]*)\?[^\s"']*/gi;

/** Data of a log line with the queries of all URLs masked, at whatever depth and in the middle of texts. */
export function maskQueries(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.includes('?') ? value.replace(QUERY, '$1?***') : value;
  if (typeof value !== 'object' || value === null || depth >= DEPTH_MAX) return value;
  if (Array.isArray(value)) return value.map((item) => maskQueries(item, depth + 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value; // it has a form of its own in JSON, such as a date
  const entries = Object.entries(value).map(([name, part]) => [name, maskQueries(part, depth + 1)]);
  return Object.fromEntries(entries);
}
