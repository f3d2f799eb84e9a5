/**
 * The import rule: the tree is the architecture, and imports point downwards only.
 *
 * Paths here are relative to the repository, with `/`. A rule names a folder or a file; a folder ends in `/`.
 */
import { builtinModules } from 'node:module';
import path from 'node:path';
import { findImports, type Import, type Scanned } from './source.ts';

export type SourceFile = { readonly path: string; readonly text: string; readonly scanned: Scanned };
export type Problem = { readonly path: string; readonly line: number; readonly message: string };

type Layer = {
  readonly folder: string;
  /** What it may import besides itself. */
  readonly may: readonly string[];
  /** What it may import with `import type` only. */
  readonly mayTypes?: readonly string[];
};

/** The first folder that fits a file decides; the narrower ones stand first. */
export const LAYERS: readonly Layer[] = [
  { folder: 'src/core/', may: [] },
  { folder: 'src/crypto/', may: ['src/core/'] },
  { folder: 'src/store/', may: ['src/core/'] },
  { folder: 'src/net/', may: ['src/core/', 'src/crypto/'] },
  { folder: 'src/daemon/', may: ['src/core/', 'src/crypto/', 'src/store/', 'src/net/'] },
  { folder: 'src/bootstrap/', may: ['src/core/', 'src/crypto/', 'src/net/'] },
  { folder: 'src/picture/', may: [] },
  { folder: 'src/api/client/', may: ['src/core/'] },
  { folder: 'src/api/', may: ['src/core/', 'src/daemon/index.ts'] },
  // The commands are clients. `mesh start` and `mesh bootstrap` compose, so they see the public faces.
  {
    folder: 'src/cli/',
    may: [
      'src/api/client/',
      'src/picture/',
      'src/api/index.ts',
      'src/daemon/index.ts',
      'src/bootstrap/index.ts',
      'src/daemon/doctor/index.ts',
      'src/daemon/folder/index.ts',
      'src/daemon/uninstall/index.ts',
    ],
  },
  { folder: 'src/bridge/', may: ['src/api/client/'] },
  {
    folder: 'src/sim/',
    may: ['src/core/', 'src/crypto/', 'src/picture/', 'src/store/memory'],
    mayTypes: ['src/store/'],
  },
  { folder: 'src/tidy/', may: [] },
];

/** Packages the core may use: pure computation only. Everything else is an effect. */
export const CORE_PACKAGES: readonly string[] = ['@noble/ed25519', '@noble/hashes', 'lru-cache'];

const BUILTINS = new Set(builtinModules);

/** Tests, benchmarks and the helpers that only they use. None of them ships. */
export function isTestFile(file: string): boolean {
  return /\.(?:test|bench|suite|fixture|helper)\.ts$/.test(file) || file.includes('/testing/');
}

function layerOf(file: string): Layer | undefined {
  return LAYERS.find((layer) => file.startsWith(layer.folder));
}

function resolveImport(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return path.posix.normalize(path.posix.join(path.posix.dirname(from), specifier));
}

function judgeCorePackage(file: string, found: Import): string | undefined {
  const { specifier } = found;
  if (specifier.startsWith('node:') || BUILTINS.has(specifier)) {
    return `core imports ${specifier}. Core is pure: make it an event or an effect.`;
  }
  if (CORE_PACKAGES.some((name) => specifier === name || specifier.startsWith(`${name}/`))) return undefined;
  return `core imports the package ${specifier}. Core may use only ${CORE_PACKAGES.join(', ')}. (${file})`;
}

function judgeTarget(file: string, target: string, found: Import): string | undefined {
  if (!/\.(?:ts|json)$/.test(target))
    return `imports ${found.specifier} without its extension. Write the .ts.`;
  const testFile = isTestFile(file);
  if (!testFile && isTestFile(target)) return `imports the test file ${target}, which does not ship.`;
  const layer = layerOf(file);
  if (layer === undefined) {
    if (testFile) return undefined;
    return `lies in no known layer. Add its folder to LAYERS in src/tidy/layers.ts, or move it.`;
  }
  // Tests outside core may reach for anything that helps them; in core even the tests stay inside.
  if (testFile && layer.folder !== 'src/core/') return undefined;
  if (target.startsWith(layer.folder)) return undefined;
  const allowed = found.typeOnly ? [...layer.may, ...(layer.mayTypes ?? [])] : layer.may;
  if (allowed.some((prefix) => target.startsWith(prefix))) return undefined;
  const list = layer.may.length === 0 ? 'nothing outside itself' : `itself, ${layer.may.join(', ')}`;
  return `imports ${target}. ${layer.folder} may import ${list}.`;
}

export function checkLayers(files: readonly SourceFile[]): Problem[] {
  const problems: Problem[] = [];
  for (const file of files) {
    for (const found of findImports(file.scanned)) {
      const target = resolveImport(file.path, found.specifier);
      let message: string | undefined;
      if (target !== undefined) message = judgeTarget(file.path, target, found);
      else if (file.path.startsWith('src/core/') && !isTestFile(file.path)) {
        message = judgeCorePackage(file.path, found);
      }
      if (message !== undefined) problems.push({ path: file.path, line: found.line, message });
    }
  }
  return problems;
}

/** One problem for each import cycle, type imports included: a cycle of types is still one idea in two files. */
export function checkCycles(files: readonly SourceFile[]): Problem[] {
  const known = new Set(files.map((file) => file.path));
  const edges = new Map<string, { target: string; line: number }[]>();
  for (const file of files) {
    const targets = findImports(file.scanned).flatMap((found) => {
      const target = resolveImport(file.path, found.specifier);
      return target !== undefined && known.has(target) ? [{ target, line: found.line }] : [];
    });
    edges.set(file.path, targets);
  }
  const problems: Problem[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const trail: string[] = [];
  const visit = (node: string): void => {
    state.set(node, 'open');
    trail.push(node);
    for (const { target, line } of edges.get(node) ?? []) {
      if (state.get(target) === 'open') {
        const cycle = [...trail.slice(trail.indexOf(target)), target];
        problems.push({ path: node, line, message: `import cycle: ${cycle.join(' -> ')}` });
      } else if (!state.has(target)) visit(target);
    }
    trail.pop();
    state.set(node, 'done');
  };
  for (const file of files) if (!state.has(file.path)) visit(file.path);
  return problems;
}
