/**
 * Tables of a database that SQLite may refuse to read. A table is walked from its root; what cannot be reached from there,
 * because a page between is lost, is looked for in all pages that nothing has led to.
 *
 * Invariant: nothing is taken out of a page that was given back, for it may hold what was removed. Since step 10 of the
 * schema such a page is zeros, and the list of them is not asked: a damaged one would hide pages that are in use. In an older
 * file the list is asked, and because that may be damaged too, a row that nothing leads to counts as one only if an index
 * knows it.
 */
import type { SalvagedFile } from './salvage-pages.ts';
import { type PageRows, type Row, readRows, type Value } from './salvage-records.ts';
import { APPLICATION_ID } from './schema-1.ts';
import { ZEROED } from './schema-10.ts';

interface Place {
  readonly root: number;
  readonly sql: string;
}

/** The first schema in which freed pages are zeros. */
const ZEROED_SINCE = 10;
const NO_PAGES: ReadonlySet<number> = new Set();

/** Columns of the table of tables. */
const TABLE_COLUMNS = 5;

function placeOf(values: readonly Value[]): [name: string, place: Place] | undefined {
  const [type, name, table, root, sql] = values;
  if (values.length !== TABLE_COLUMNS || type !== 'table' || name !== table) return undefined;
  if (typeof name !== 'string' || typeof root !== 'number' || typeof sql !== 'string') return undefined;
  return root > 1 && sql.startsWith('CREATE TABLE') ? [name, { root, sql }] : undefined;
}

/** Indexes of all messages, by id and in order. */
const INDEXES: readonly Value[] = ['sqlite_autoindex_message_1', 'message_order'];

/** The page that one of {@link INDEXES} begins with. */
function indexOf(values: readonly Value[]): number | undefined {
  const [type, name, , root] = values;
  if (values.length !== TABLE_COLUMNS || type !== 'index' || !INDEXES.includes(name)) return undefined;
  return typeof root === 'number' && root > 1 ? root : undefined;
}

export class SalvagedTables {
  readonly #file: SalvagedFile;
  readonly #free: ReadonlySet<number>;
  readonly #seen = new Set<number>();
  readonly #places = new Map<string, Place>();
  /** pages that are not looked at if nothing leads to them */
  #passed: ReadonlySet<number> = NO_PAGES;
  #knowsAll = false;
  /** roots of those that have every message */
  readonly #indexes = new Set<number>();
  #live: ReadonlySet<number> | undefined;

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

  /** Whether freed pages are zeros. Without its description the table of messages is found by nothing but the header. */
  get #isZeroed(): boolean {
    return this.#places.get('message')?.sql.includes(ZEROED) ?? (this.#file.schema ?? 0) >= ZEROED_SINCE;
  }

  /** Whether the message with this number was there, if its row is one that nothing leads to. */
  isLive(arrival: number): boolean {
    if (this.#isZeroed) return true;
    this.#live ??= this.#findLive();
    return this.#live.has(arrival);
  }

  #findLive(): ReadonlySet<number> {
    const live = new Set<number>();
    for (const root of this.#indexes)
      this.#walk(root, 'index', (rows) => {
        for (const { values } of rows) {
          const arrival = values.at(-1);
          if (typeof arrival === 'number') live.add(arrival);
        }
      });
    return live;
  }

  has(name: string): boolean {
    return this.#places.has(name);
  }

  #findPlaces(): void {
    const take = (rows: readonly Row[]): void => {
      for (const { values } of rows) {
        const found = placeOf(values);
        if (found !== undefined && !this.#places.has(found[0])) this.#places.set(...found);
        const index = indexOf(values);
        if (index !== undefined) this.#indexes.add(index);
      }
    };
    const { isWhole } = this.#walk(1, 'table', take);
    this.#knowsAll = isWhole && this.#places.size > 0;
    const search = (): void =>
      this.#orphans((page) => {
        if (page.rows.some(({ values }) => placeOf(values) !== undefined)) take(page.rows);
      });
    this.#passed = this.#free;
    if (!this.#knowsAll) search();
    if (!this.#isZeroed) return;
    this.#passed = NO_PAGES;
    if (!this.#knowsAll && this.#free.size > 0) search();
  }

  /** @returns whether every page and row below `root` could be read */
  #walk(root: number, kind: PageRows['kind'], take: (rows: readonly Row[]) => void): { isWhole: boolean } {
    let isWhole = true;
    const waiting = [root];
    for (let number = waiting.pop(); number !== undefined; number = waiting.pop()) {
      if (this.#seen.has(number)) {
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
      if (this.#seen.has(number) || this.#passed.has(number)) continue;
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
