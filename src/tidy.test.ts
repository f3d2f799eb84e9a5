/**
 * The house rules as tests. The first half looks at this repository; the second half shows each rule a small bad
 * example, because a checker that finds nothing may simply be blind.
 */
import { describe, expect, it } from 'vitest';
import { checkCycles, checkLayers, type Problem } from './tidy/layers.ts';
import { listTextFiles, readText, toSourceFile } from './tidy/repository.ts';
import { checkCorePurity, checkLock, checkLooseEnds, checkMachinePaths, checkSizes } from './tidy/rules.ts';
import { findImports, measureFunctions, scanSource } from './tidy/source.ts';

const textFiles = listTextFiles();
const sources = textFiles
  .filter((name) => /^(?:src|tools)\/.*\.ts$/.test(name))
  .map((name) => toSourceFile(name, readText(name)));
const inSrc = sources.filter((file) => file.path.startsWith('src/'));

/** Fails with one line for each problem, in the form that editors and people can click. */
function expectNone(problems: readonly Problem[]): void {
  const lines = problems.map((problem) => `${problem.path}:${problem.line}: ${problem.message}`);
  expect(lines.length, `\n${lines.join('\n')}\n`).toBe(0);
}

function messages(problems: readonly Problem[]): string {
  return problems.map((problem) => `${problem.line}: ${problem.message}`).join('\n');
}

describe('the repository', () => {
  it('has sources to look at', () => {
    expect(inSrc.length).toBeGreaterThan(5);
  });
  it('imports downwards only', () => expectNone(checkLayers(inSrc)));
  it('has no import cycle', () => expectNone(checkCycles(inSrc)));
  it('keeps the core pure', () => expectNone(checkCorePurity(inSrc)));
  it('keeps functions and files small', () => {
    expectNone(checkSizes(sources, JSON.parse(readText('src/tidy/ratchet.json'))));
  });
  it('has no loose ends', () => expectNone(checkLooseEnds(sources)));
  it('names no path of one machine', () => {
    expectNone(textFiles.flatMap((name) => checkMachinePaths(name, readText(name))));
  });
  it('has a lock that names no host', () =>
    expectNone(checkLock('package-lock.json', readText('package-lock.json'))));
  it('states one Node floor in package.json and bin/new-node.mjs', () => {
    const floor = JSON.parse(readText('package.json')).engines.node.replace('>=', '');
    expect(readText('bin/new-node.mjs')).toContain(`NODE_FLOOR = [${floor.split('.').join(', ')}]`);
  });
});

describe('the scanner', () => {
  it('blanks comments, strings, templates and regular expressions, and keeps the length', () => {
    const text = 'a /* x */ "y" // z\nconst r = /q"[/]/g; `p ${n + "m"} s` / 2;';
    const { code } = scanSource(text);
    expect(code).toHaveLength(text.length);
    expect(code.replace(/\s+/g, ' ')).toBe('a " " const r = / /g; ` ${n + " "} ` / 2;');
  });

  it('finds every form of import and nothing in comments or strings', () => {
    const text = [
      "import a, { b } from './a.ts';",
      "import type { C } from './c.ts';",
      "import {\n  d,\n} from './d.ts';",
      "import './e.ts';",
      "export * from './f.ts';",
      "export type { G } from './g.ts';",
      "const h = await import('./h.ts');",
      "import type from './i.ts';",
      "// import x from './no.ts';",
      'const s = "import x from \'./no.ts\'";',
    ].join('\n');
    const found = findImports(scanSource(text));
    expect(found.map((one) => one.specifier.slice(2, 3)).join('')).toBe('acdefghi');
    expect(found.filter((one) => one.typeOnly).map((one) => one.specifier)).toEqual(['./c.ts', './g.ts']);
    expect(found.find((one) => one.specifier === './e.ts')?.line).toBe(6);
  });

  it('measures functions, methods and arrow functions with types of any shape', () => {
    const text = [
      'export function f({ a }: { a: number }): { b: number } {',
      '  if (a) {',
      '  }',
      '  return { b: a };',
      '}',
      'const g = (x: number): void => {',
      '};',
      'class K {',
      '  m<T>(x: T): Map<string, T> {',
      '    return call(x);',
      '  }',
      '}',
      'interface I { n(x: number): void }',
    ].join('\n');
    const sizes = measureFunctions(scanSource(text)).map((size) => `${size.name} ${size.line} ${size.lines}`);
    expect(sizes).toEqual(['f 1 5', 'g 6 2', 'm 9 3']);
  });
});

describe('the import rule', () => {
  const judge = (name: string, text: string) => messages(checkLayers([toSourceFile(name, text)]));

  it.each([
    [
      'src/core/peer.ts',
      "import { s } from '../store/index.ts';",
      'src/core/ may import nothing outside itself',
    ],
    ['src/core/peer.ts', "import fs from 'node:fs';", 'Core is pure'],
    ['src/core/peer.ts', "import { createHash } from 'crypto';", 'Core is pure'],
    ['src/core/peer.ts', "import ws from 'ws';", 'the package ws'],
    ['src/core/peer.test.ts', "import { s } from '../store/index.ts';", 'src/core/ may import'],
    ['src/store/a.ts', "import { n } from '../net/index.ts';", 'src/store/ may import itself, src/core/.'],
    ['src/net/a.ts', "export * from '../daemon/index.ts';", 'imports src/daemon/index.ts'],
    ['src/api/a.ts', "import { x } from '../daemon/runner.ts';", 'imports src/daemon/runner.ts'],
    ['src/cli/send.ts', "import { x } from '../core/index.ts';", 'imports src/core/index.ts'],
    ['src/bridge/mcp/a.ts', "const x = import('../../daemon/index.ts');", 'imports src/daemon/index.ts'],
    ['src/sim/a.ts', "import { x } from '../store/sqlite.ts';", 'imports src/store/sqlite.ts'],
    ['src/store/a.ts', "import { x } from './a.fixture.ts';", 'which does not ship'],
    ['src/store/a.ts', "import { x } from './b';", 'without its extension'],
    ['src/elsewhere/a.ts', "import { x } from './b.ts';", 'no known layer'],
  ])('refuses in %s: %s', (name, text, message) => {
    expect(judge(name, text)).toContain(message);
  });

  it.each([
    ['src/core/peer.test.ts', "import fs from 'node:fs'; import fc from 'fast-check';"],
    ['src/core/a/b.ts', "import { x } from '../limits.ts'; import { verify } from '@noble/ed25519';"],
    ['src/daemon/a.ts', "import { x } from '../store/index.ts'; import ws from 'ws';"],
    ['src/api/a.ts', "import { gate } from '../daemon/index.ts';"],
    ['src/sim/a.ts', "import { m } from '../store/memory.ts'; import type { S } from '../store/store.ts';"],
    [
      'src/cli/start.ts',
      "import { c } from '../daemon/index.ts'; import { b } from '../bootstrap/index.ts';",
    ],
    ['src/net/a.test.ts', "import { x } from '../daemon/runner.ts';"],
  ])('allows in %s: %s', (name, text) => {
    expect(judge(name, text)).toBe('');
  });

  it('finds a cycle and prints its way', () => {
    const files = [
      toSourceFile('src/net/a.ts', "import { b } from './b.ts';"),
      toSourceFile('src/net/b.ts', "\nimport type { C } from './c.ts';"),
      toSourceFile('src/net/c.ts', "export * from './a.ts';"),
    ];
    expect(messages(checkCycles(files))).toBe(
      '1: import cycle: src/net/a.ts -> src/net/b.ts -> src/net/c.ts -> src/net/a.ts',
    );
    expect(checkCycles(files.slice(1))).toEqual([]);
  });
});

describe('the core rule', () => {
  const judge = (text: string) => messages(checkCorePurity([toSourceFile('src/core/x.ts', text)]));

  it.each([
    'const t = Date.now();',
    'const t = new Date();',
    'const r = Math.random();',
    'setTimeout(f, 1);',
    'setInterval(f, 1);',
    'setImmediate(f);',
    'const e = process.env;',
    'performance.now();',
    'fetch(u);',
    'const b = Buffer.from(x);',
    'console.log(1);',
    'async function f() {}',
    'const p = await q;',
    'let p: Promise<void>;',
    'const s = `${Date.now()}`;',
  ])('refuses %s', (text) => {
    expect(judge(text)).toContain('core uses');
  });

  it.each([
    '// Date.now() is not for us',
    "const s = 'await Promise fetch(';",
    'const k = { process: 1, fetch: 2 };',
    'effect.fetch(x); handle.process;',
    'const d = new Date(now.wallMs);',
    'const asyncKind = 1; function awaited() {}',
  ])('allows %s', (text) => {
    expect(judge(text)).toBe('');
  });
});

describe('the size rule', () => {
  const longFunction = `function big() {\n${'  x();\n'.repeat(80)}}\n`;
  const longFile = '// line\n'.repeat(401);

  it('refuses long functions and long files, and says how long', () => {
    const files = [toSourceFile('src/net/f.ts', longFunction), toSourceFile('src/net/g.ts', longFile)];
    expect(messages(checkSizes(files, {}))).toBe(
      '1: src/net/f.ts#big has 82 lines, at most 70. Split it.\n1: src/net/g.ts has 401 lines, at most 400. Split it.',
    );
  });

  it('lets an exception shrink but not grow, and removes it when it is over', () => {
    const files = [toSourceFile('src/net/f.ts', longFunction)];
    expect(checkSizes(files, { 'src/net/f.ts#big': 82 })).toEqual([]);
    expect(messages(checkSizes(files, { 'src/net/f.ts#big': 81 }))).toContain('grew from 81 to 82');
    expect(messages(checkSizes(files, { 'src/net/f.ts#big': 90 }))).toContain('shrank to 82');
    expect(messages(checkSizes([], { 'src/net/f.ts#big': 82 }))).toContain('remove its entry');
  });
});

describe('the rule on loose ends', () => {
  const judge = (name: string, text: string) => messages(checkLooseEnds([toSourceFile(name, text)]));

  it.each([
    ['src/net/a.ts', 'let x: any;', 'uses `any`'],
    ['src/net/a.ts', 'f(x as any);', 'uses `any`'],
    ['src/net/a.ts', 'let x: Map<string, any>;', 'uses `any`'],
    ['src/net/a.ts', '// @ts-ignore', 'silences the compiler'],
    ['src/net/a.ts', '/* TODO later */', 'do something'],
    ['src/net/a.ts', '\n// FIXME', '2: leaves a note'],
    ['src/net/a.test.ts', "it.skip('x', f);", 'every committed test runs'],
    ['src/net/a.test.ts', "describe.only('x', f);", 'every committed test runs'],
  ])('refuses in %s: %s', (name, text, message) => {
    expect(judge(name, text)).toContain(message);
  });

  it.each([
    ['src/net/a.ts', "const s = 'any TODO @ts-ignore';"],
    ['src/net/a.ts', '// any reader'],
    ['src/net/a.ts', 'const signal = AbortSignal.any(list); z.any();'],
    ['src/net/a.test.ts', "it.skipIf(noSodium)('x', f);"],
  ])('allows in %s: %s', (name, text) => {
    expect(judge(name, text)).toBe('');
  });
});

describe('the rules on text files', () => {
  it('refuses paths of one machine and allows folders that look like them', () => {
    const bad = ['/wo', 'rk/main'].join('');
    expect(messages(checkMachinePaths('a.md', `x\ncd ${bad}`))).toContain('2: names a path of one machine');
    expect(checkMachinePaths('a.md', `docs${bad}`)).toEqual([]);
  });

  it('refuses hosts in the lock', () => {
    const bad = '{\n"resolved": "https://example.org/ws/-/ws-8.23.0.tgz"\n}';
    expect(messages(checkLock('package-lock.json', bad))).toContain('2: names a host');
    expect(checkLock('package-lock.json', '{ "resolved": "tools/dev-node", "link": true }')).toEqual([]);
  });
});
