import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { LAYERS } from '../src/tidy/layers.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const read = (name: string): string => fs.readFileSync(path.join(ROOT, name), 'utf8');
const PAGE = read('docs/architecture.md');
const PICTURE = read('docs/images/architecture.svg');

/** The rows of the table behind a heading, as cells. */
function rowsOf(heading: string): string[][] {
  const start = PAGE.indexOf(`## ${heading}\n`);
  const section = PAGE.slice(start, PAGE.indexOf('\n## ', start + 1));
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(1).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const folders = (text: string): string[] =>
  [...text.matchAll(/src\/[a-z/]+[a-z]/g)].map((match) => match[0].replace(/\/$/, ''));

/** `src/api/` as the page names it. What is a part of a layer, such as `src/daemon/index.ts`, goes by the layer. */
function shown(target: string): string {
  const layer = LAYERS.find(({ folder }) => target.startsWith(folder));
  return (layer?.folder ?? target).replace(/\/$/, '');
}

describe('the page on the architecture', () => {
  const layers = LAYERS.filter(({ folder }) => fs.existsSync(path.join(ROOT, folder)));
  const rows = rowsOf('Layers');

  it('has a row for each layer, and for nothing else', () => {
    expect(rows.map(([folder]) => folder).sort()).toEqual(
      layers.map(({ folder }) => `\`${shown(folder)}\``).sort(),
    );
  });

  it.each(layers.map(({ folder }) => shown(folder)))('says of %s what it may import', (folder) => {
    const row = rows.find(([first]) => first === `\`${folder}\``);
    const layer = layers.find((one) => shown(one.folder) === folder);
    const may = layer?.may.map(shown) ?? [];
    expect(new Set(folders(row?.[1] ?? ''))).toEqual(new Set(may));
    if (may.length === 0) expect(row?.[1]).toBe('nothing');
  });

  it('lists the layers from the top down', () => {
    const order = rows.map(([folder]) => (folder ?? '').replaceAll('`', ''));
    for (const [i, folder] of order.entries()) {
      const may = layers.find((one) => shown(one.folder) === folder)?.may.map(shown) ?? [];
      const above = may.filter((target) => order.indexOf(target) < i);
      expect(above, folder).toEqual([]);
    }
  });

  it('names each folder of the core', () => {
    const named = rowsOf('Inside the core').flatMap(([cell]) =>
      [...(cell ?? '').matchAll(/`([a-z0-9]+)`/g)].map((match) => match[1] ?? ''),
    );
    const core = fs.readdirSync(path.join(ROOT, 'src', 'core'), { withFileTypes: true });
    const real = core.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    expect(named.sort()).toEqual(real.sort());
  });

  it('names each effect of the contract once, and no other', () => {
    const contract = read('src/core/contract.ts');
    const union = contract.slice(
      contract.indexOf('export type Effect ='),
      contract.lastIndexOf('export type'),
    );
    const kinds = [
      ...union.matchAll(/^ {2}\| \{ readonly kind: '([a-z0-9-]+)'|^ {6}readonly kind: '([a-z0-9-]+)'/gm),
    ];
    const named = rowsOf('The life of an event').flatMap(([cell]) =>
      [...(cell ?? '').matchAll(/`([a-z0-9-]+)`/g)].map((match) => match[1] ?? ''),
    );
    expect(named.sort()).toEqual(kinds.map((match) => match[1] ?? match[2] ?? '').sort());
  });

  it('has a picture of each layer but the rules themselves', () => {
    const drawn = folders(PICTURE.replace(/<desc[\s\S]*<\/desc>/, ''));
    const expected = layers.map(({ folder }) => shown(folder)).filter((folder) => folder !== 'src/tidy');
    expect(new Set(drawn)).toEqual(new Set(expected));
  });
});
