import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { DAY, LIMITS } from '../core/limits.ts';
import { migrate } from '../store/migrations.ts';
import { createSqliteStore } from '../store/sqlite.ts';
import {
  createAuthor,
  joined,
  NETWORK,
  nodeVerify,
  published,
  received,
  sha256,
  signedMessage,
  WALL_MS,
} from '../store/testing/messages.ts';
import { Problems } from './problems.ts';
import { damagedText, Scrubber } from './scrubber.ts';
import { ManualLater } from './testing/later.ts';

const [me, other] = [createAuthor(1), createAuthor(2)];
const open: Database.Database[] = [];

afterEach(() => {
  for (const db of open.splice(0)) db.close();
});

function setUp(count: number, periodMs = LIMITS.scrubMs) {
  const db = new Database(':memory:');
  open.push(db);
  db.pragma('foreign_keys = ON');
  migrate(db, { wallMs: 0 });
  const store = createSqliteStore(db, { network: NETWORK, sha256 }, () => db.close());
  const messages = Array.from({ length: count }, (_, nonce) => signedMessage(other, { nonce }));
  store.transact([[joined('dev'), ...messages.map(received), published(signedMessage(me))]]);
  const later = new ManualLater();
  const logged: string[] = [];
  const log = (_data: object, phrase: string): void => void logged.push(phrase);
  const wallMs = (): number => WALL_MS + later.nowMs;
  const problems = new Problems(wallMs, () => undefined);
  const world = { wanted: 0 };
  const create = () =>
    new Scrubber({
      ...{ store, verify: nodeVerify, periodMs, problems, wallMs, later },
      log: { debug: log, info: log, warn: log, error: log, fatal: log, isLevelEnabled: () => true },
      onDamaged: () => {
        world.wanted++;
      },
    });
  /** lets time pass in small steps, so that every timer runs when it is due */
  const pass = (ms: number, stepMs: number): void => {
    for (let at = 0; at < ms; at += stepMs) later.pass(stepMs);
  };
  return { db, store, messages, later, logged, problems, world, create, pass };
}

describe('the scrubber', () => {
  it('has checked every message once when the period is over, and begins anew then', () => {
    const { create, store, pass } = setUp(200);
    const scrubber = create();
    scrubber.start();
    expect(scrubber.view()).toMatchObject({ state: 'waiting', checked: 0, messages: 201, ended: null });
    pass(LIMITS.scrubMs, 60_000);
    const { ended, checked } = scrubber.view();
    expect([ended !== null, checked]).toEqual([true, 201]);
    const before = store.scrub.state().endedMs;
    pass(LIMITS.scrubMs + DAY, 60_000);
    expect(store.scrub.state().endedMs).toBeGreaterThan(before + DAY);
    scrubber.stop();
  });

  it('goes on where it was after a restart', () => {
    const { create, later } = setUp(200);
    const first = create();
    first.start();
    later.pass(600_000);
    first.stop();
    expect(first.view().checked).toBe(LIMITS.scrubPageMessages);
    const second = create();
    second.start();
    later.pass(600_000);
    expect(second.view().checked).toBe(2 * LIMITS.scrubPageMessages);
    second.stop();
    expect(later.waiting).toEqual([]);
  });

  it('checks everything at once when it is asked, with breaks', () => {
    const { create, pass, later, logged } = setUp(200, 0);
    const scrubber = create();
    scrubber.start();
    pass(DAY, 600_000);
    expect(scrubber.view()).toMatchObject({ state: 'off', checked: 0 });
    expect(scrubber.ask()).toMatchObject({ state: 'running', checked: 0, messages: 201 });
    expect(later.waiting).toContain(25);
    later.pass(25);
    expect(scrubber.ask()).toMatchObject({ state: 'running', checked: LIMITS.scrubPageMessages });
    pass(500, 25);
    expect(scrubber.view()).toMatchObject({ state: 'off', checked: 201, damaged: [], structure: '' });
    expect(logged).toContain('all stored messages were checked');
    scrubber.stop();
  });

  it('tells what is damaged until it has come again, and has it fetched', () => {
    const { db, create, pass, later, problems, world, store, messages, logged } = setUp(3, 0);
    db.exec("UPDATE message SET body = 'x' WHERE arrival IN (2, 4)");
    const scrubber = create();
    scrubber.start();
    scrubber.met();
    scrubber.met();
    expect(problems.list).toMatchObject([
      { code: 'store_damaged', detail: expect.stringMatching(/being checked/) },
    ]);
    later.pass();
    expect(scrubber.view().state).toBe('running');
    pass(100, 25);
    expect(world.wanted).toBe(1);
    const detail = '2 in "dev", of them 1 sent from here that nobody had confirmed.';
    expect(problems.list).toMatchObject([{ code: 'messages_damaged', detail }]);
    expect(logged).toContain('stored messages are damaged');
    scrubber.met();
    later.pass();
    expect(scrubber.view().state).toBe('off');
    expect(scrubber.view().damaged).toEqual([{ channel: 'dev', messages: 2, unconfirmed: 1 }]);
    // The next start says so too.
    scrubber.stop();
    problems.solve('messages_damaged');
    const next = create();
    next.start();
    expect(problems.list).toMatchObject([{ code: 'messages_damaged', detail }]);
    store.transact([[received(messages[1] as (typeof messages)[0])]]);
    later.pass(5_000);
    expect(problems.list).toMatchObject([{ detail: detail.replace('2 in', '1 in') }]);
    store.transact([[received(signedMessage(me))]]);
    later.pass(5_000);
    expect(problems.list).toEqual([]);
    next.stop();
  });

  it('tells damage that is not that of one message, and goes on', () => {
    const { db, create, pass, problems } = setUp(3, 0);
    db.exec('UPDATE message SET kind = 7 WHERE arrival = 2');
    const scrubber = create();
    scrubber.ask();
    pass(100, 25);
    expect(problems.list).toMatchObject([
      { code: 'store_damaged', detail: expect.stringContaining('number 2') },
    ]);
    expect(scrubber.view()).toMatchObject({ checked: 4, structure: expect.stringContaining('number 2') });
    scrubber.stop();
  });

  it('takes a store that refuses for no end of the daemon', () => {
    const { db, create, pass, logged } = setUp(3, 0);
    const scrubber = create();
    scrubber.start();
    scrubber.ask();
    db.exec('DROP TABLE damaged');
    pass(5_100, 25);
    expect(logged).toContain('scrub state not readable');
    scrubber.stop();
  });
});

describe('the text for people', () => {
  it('names the first channels and counts the others', () => {
    const many = [1, 2, 3, 4, 5, 6, 7].map((n) => ({ channel: `c${n}`, messages: n, unconfirmed: 0 }));
    expect(damagedText(many)).toBe(
      '1 in "c1"; 2 in "c2"; 3 in "c3"; 4 in "c4"; 5 in "c5"; and in 2 more channels.',
    );
  });
});
