/**
 * Rules on what stands inside the files: nothing impure in core, sizes, no loose ends, nothing of one machine.
 */
import { isTestFile, type Problem, type SourceFile } from './layers.ts';
import { lineAt, measureFunctions } from './source.ts';

/** From the style page. */
export const FUNCTION_LINES_MAX = 70;
export const FILE_LINES_MAX = 400;

/** Exceptions that were agreed on: key `path` or `path#function`, value the lines it may have. */
export type Ratchet = Readonly<Record<string, number>>;

/** A global name: not a property (`x.process`) and not a key (`process: 1`). */
function globalName(names: string): RegExp {
  return new RegExp(`(?<![.\\w$#])(?:${names})\\b(?!\\s*\\??:(?!:))`, 'g');
}

const CORE_BANNED: readonly { pattern: RegExp; instead: string }[] = [
  { pattern: /\bDate\.now\b|\bnew\s+Date\s*(?:\(\s*\)|;)/g, instead: 'take `now` from the caller' },
  { pattern: globalName('performance'), instead: 'take `now` from the caller' },
  {
    pattern: /\bMath\.random\b|\bcrypto\.(?:getRandomValues|randomUUID|subtle)\b/g,
    instead: 'use the seeded source',
  },
  {
    pattern: globalName('setTimeout|setInterval|setImmediate|queueMicrotask|clearTimeout|clearInterval'),
    instead: 'return a timer effect',
  },
  { pattern: globalName('process|globalThis'), instead: 'take what you need as a parameter' },
  { pattern: globalName('fetch|WebSocket'), instead: 'return an effect' },
  { pattern: globalName('Buffer'), instead: 'use Uint8Array' },
  { pattern: globalName('console'), instead: 'core does not log; the runner logs events and effects' },
  {
    pattern: globalName('async|await|Promise'),
    instead: 'core is synchronous; return an effect and handle its event',
  },
];

export function checkCorePurity(files: readonly SourceFile[]): Problem[] {
  const problems: Problem[] = [];
  for (const file of files) {
    if (!file.path.startsWith('src/core/') || isTestFile(file.path)) continue;
    for (const { pattern, instead } of CORE_BANNED) {
      for (const match of file.scanned.code.matchAll(pattern)) {
        const line = lineAt(file.text, match.index);
        problems.push({ path: file.path, line, message: `core uses ${match[0].trim()}: ${instead}.` });
      }
    }
  }
  return problems;
}

export type Oversize = {
  readonly key: string;
  readonly line: number;
  readonly lines: number;
  readonly max: number;
};

export function findOversize(file: SourceFile): Oversize[] {
  const found: Oversize[] = [];
  const lines = file.text.replace(/\n$/, '').split('\n').length;
  if (lines > FILE_LINES_MAX) found.push({ key: file.path, line: 1, lines, max: FILE_LINES_MAX });
  // In tests the callback of `describe` is a chapter, not a function.
  if (isTestFile(file.path)) return found;
  for (const size of measureFunctions(file.scanned)) {
    if (size.lines <= FUNCTION_LINES_MAX) continue;
    found.push({
      key: `${file.path}#${size.name}`,
      line: size.line,
      lines: size.lines,
      max: FUNCTION_LINES_MAX,
    });
  }
  return found;
}

/**
 * Sizes against the limits and the list of exceptions. The list can only shrink: an entry that is larger than the
 * fact, or no longer needed, is a problem too.
 */
export function checkSizes(files: readonly SourceFile[], ratchet: Ratchet): Problem[] {
  const problems: Problem[] = [];
  const used = new Set<string>();
  for (const file of files) {
    for (const { key, line, lines, max } of findOversize(file)) {
      const allowed = ratchet[key];
      used.add(key);
      if (allowed === undefined) {
        problems.push({
          path: file.path,
          line,
          message: `${key} has ${lines} lines, at most ${max}. Split it.`,
        });
      } else if (lines > allowed) {
        problems.push({
          path: file.path,
          line,
          message: `${key} grew from ${allowed} to ${lines} lines. Split it.`,
        });
      } else if (lines < allowed) {
        const message = `${key} shrank to ${lines} lines: write ${lines} instead of ${allowed} in the ratchet.`;
        problems.push({ path: file.path, line, message });
      }
    }
  }
  for (const key of Object.keys(ratchet)) {
    if (used.has(key)) continue;
    problems.push({
      path: 'src/tidy/ratchet.json',
      line: 1,
      message: `${key} is within the limits: remove its entry.`,
    });
  }
  return problems;
}

const LOOSE_CODE: readonly { pattern: RegExp; message: string }[] = [
  {
    pattern: /(?<![.\w$])any\b(?!\s*[(:?])/g,
    message: 'uses `any`: name the type, or use `unknown` and look.',
  },
];
const LOOSE_TEST: readonly { pattern: RegExp; message: string }[] = [
  {
    pattern: /\b(?:describe|it|test|suite|bench)(?:\.\w+)*\.(?:skip|only|todo|fails)\b/g,
    message: 'skips or singles out a test: every committed test runs.',
  },
];
const LOOSE_COMMENT: readonly { pattern: RegExp; message: string }[] = [
  { pattern: /@ts-(?:ignore|nocheck|expect-error)/g, message: 'silences the compiler: fix the type.' },
  { pattern: /\b(?:TODO|FIXME|XXX)\b/g, message: 'leaves a note to do something: do it, or open an issue.' },
];

export function checkLooseEnds(files: readonly SourceFile[]): Problem[] {
  const problems: Problem[] = [];
  for (const file of files) {
    const { code, comments } = file.scanned;
    const inCode = isTestFile(file.path) ? [...LOOSE_CODE, ...LOOSE_TEST] : LOOSE_CODE;
    for (const { pattern, message } of inCode) {
      for (const match of code.matchAll(pattern)) {
        problems.push({ path: file.path, line: lineAt(file.text, match.index), message });
      }
    }
    for (const comment of comments) {
      for (const { pattern, message } of LOOSE_COMMENT) {
        for (const match of comment.text.matchAll(pattern)) {
          problems.push({ path: file.path, line: lineAt(file.text, comment.start + match.index), message });
        }
      }
    }
  }
  return problems;
}

/** Folders that exist on one machine only. Written in two parts, so that this file does not name them itself. */
const MACHINE_PATHS = [
  ['/wo', 'rk/'],
  ['/ro', 'ot/'],
  ['/tmp/', 'bash'],
].map((parts) => parts.join(''));

export function checkMachinePaths(path: string, text: string): Problem[] {
  const problems: Problem[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    for (const prefix of MACHINE_PATHS) {
      const at = line.indexOf(prefix);
      // `docs/work/` is a folder of ours, ` /work/` is one of somebody's machine.
      if (at < 0 || /[\w.\-*}]$/.test(line.slice(0, at))) continue;
      problems.push({ path, line: index + 1, message: `names a path of one machine (${prefix}).` });
    }
  }
  return problems;
}

/** The lock names packages and hashes only; a host in it would bind everybody to one registry. */
export function checkLock(path: string, text: string): Problem[] {
  const problems: Problem[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (!/"resolved":\s*"[a-z+]+:/.test(line) && !/\/-\/[^"]+\.tgz/.test(line) && !/\bregistry\./.test(line))
      continue;
    const message = 'names a host. Run `npm install --omit-lockfile-registry-resolved` and commit the lock.';
    problems.push({ path, line: index + 1, message });
  }
  return problems;
}
