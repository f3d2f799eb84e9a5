/**
 * Tables of a database that SQLite may refuse to read. A table is walked from its root; what cannot be reached from there,
 * because a page between is lost, is looked for in all pages that nothing has led to.
 *
 * Pages that were given back are passed over: they hold what was deleted.
 */
import type { SalvagedFile } from './salvage-pages.ts';
import { type PageRows, type Row, readRows, type Value } from './salvage-records.ts';
import { APPLICATION_ID } from './schema-1.ts';

interface Place {
  readonly root: number;
  readonly sql: string;
}

/** Columns of the table of tables. */
const TABLE_COLUMNS = 5;

function placeOf(values: readonly Value[]): [name: string, place: Place] | undefined {
  const [type, name, table, root, sql] = values;
  if (values.length !== TABLE_COLUMNS || type !== 'table' || name !== table) return undefined;
  if (typeof name !== 'string' || typeof root !== 'number' || typeof sql !== 'string') return undefined;
  return root > 1 && sql.startsWith('CREATE TABLE') ? [name, { root, sql }] : undefined;
}

export class SalvagedTables {
  readonly #file: SalvagedFile;
  readonly #free: ReadonlySet<number>;
  readonly #seen = new Set<number>();
  readonly #places = new Map<string, Place>();
  #knowsAll = false;

  constructor(file: SalvagedFile) {
    this.#file = file;
    this.#free = file.free();
    this.#findPlaces();
  }

  /** Whether these are tables of ours. */
  get isOurs(): boolean {
    const { application } = this.#file;
    if (application !== undefined && application !== APPLICATION_ID) return false;
    return (
      application === APPLICATION_ID || this.#places.get('message')?.sql.includes('signature_crc') === true
    );
  }

  has(name: string): boolean {
    return this.#places.has(name);
  }

  #findPlaces(): void {
    const take = (rows: readonly Row[]): void => {
      for (const { values } of rows) {
        const found = placeOf(values);
        if (found !== undefined && !this.#places.has(found[0])) this.#places.set(...found);
      }
    };
    const { isWhole } = this.#walk(1, 'table', take);
    this.#knowsAll = isWhole && this.#places.size > 0;
    if (!isWhole || this.#places.size === 0)
      this.#orphans((page) => {
        if (page.rows.some(({ values }) => placeOf(values) !== undefined)) take(page.rows);
      });
  }

  /** @returns whether every page and row below `root` could be read */
  #walk(root: number, kind: PageRows['kind'], take: (rows: readonly Row[]) => void): { isWhole: boolean } {
    let isWhole = true;
    const waiting = [root];
    for (let number = waiting.pop(); number !== undefined; number = waiting.pop()) {
      if (this.#seen.has(number) || this.#free.has(number)) {
        isWhole = false;
        continue;
      }
      const page = readRows(this.#file, number);
      if (page === undefined || page.kind !== kind) {
        isWhole = false;
        continue;
      }
      this.#seen.add(number);
      if (page.broken > 0) isWhole = false;
      take(page.rows);
      waiting.push(...page.children.toReversed());
    }
    return { isWhole };
  }

  /** Goes through the leaves that nothing has led to. */
  #orphans(take: (page: PageRows) => void): void {
    for (let number = 1; number <= this.#file.pages; number++) {
      if (this.#seen.has(number) || this.#free.has(number)) continue;
      const page = readRows(this.#file, number);
      if (page !== undefined && page.kind === 'table' && page.children.length === 0) take(page);
    }
  }

  /**
   * The rows of a table, as far as they can be reached from its root.
   * @param kind `index` for a table without row numbers
   * @param take called for the rows of each page
   * @returns whether it was read whole; so is a table that the schema does not have
   */
  read(name: string, kind: PageRows['kind'], take: (rows: readonly Row[]) => void): boolean {
    const place = this.#places.get(name);
    return place === undefined ? this.#knowsAll : this.#walk(place.root, kind, take).isWhole;
  }

  /** Rows in leaves that no table has led to; for rows that prove themselves. To be called after all tables were read. */
  readOrphans(take: (rows: readonly Row[]) => void): void {
    this.#orphans(({ rows }) => take(rows));
  }
}
