import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import type { VerifiedMessage } from '../core/message/verified.ts';
import { findKept, KEPT_MAX, markDamaged } from './recovery.ts';
import { createSqliteStore, openStore } from './sqlite.ts';
import { openFile } from './sqlite-file.ts';
import {
  cleanUp,
  failure,
  held,
  lay,
  MADE,
  MESSAGES,
  me,
  NOW_MS,
  newFolder,
  OPTIONS,
  OWN,
  open,
  PAGE,
  rootOf,
  SOUND,
  stores,
} from './testing/damage.ts';
import {
  joined,
  NETWORK,
  nodeVerify,
  published,
  received,
  sha256,
  signedMessage,
  WALL_MS,
} from './testing/messages.ts';
import { writeSchema1 } from './testing/schema-1.ts';

afterEach(cleanUp);

describe('own messages', () => {
  it('that nobody had confirmed are told when they are lost, and are sent again where that is not known', () => {
    const bytes = Buffer.from(MADE.closed);
    const last = OWN.at(-1) as VerifiedMessage;
    const at = bytes.indexOf(last.message.body);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const file = lay(bytes);
    markDamaged(file, 'a row');
    const { store, done } = open(file);
    expect(done).toMatchObject({ ownLost: 1, wanted: 2, lost: 0 });
    expect(store.outboxSize(99)).toBe(6);
    expect(store.scrub.damaged()).toEqual([{ channel: last.message.channel, messages: 1, unconfirmed: 1 }]);
    expect(store.transact([[received(last)]])).toMatchObject([[{ inserted: true }]]);
    expect(store.readMessage(last.message.idText)?.delivery?.state).toBe('queued');
  });

  it('begin new chains where some of them may be lost, later than all that was published', () => {
    const bytes = Buffer.from(MADE.closed);
    const root = rootOf('own');
    bytes.fill(0, (root - 1) * PAGE, root * PAGE);
    const { store, done } = open(lay(bytes));
    expect(done?.partial).toContain('own');
    // Whether they were confirmed is not known any more: they are sent again.
    expect(store.outboxSize(99)).toBe(OWN.length);
    const head = store.read(SOUND.ask);
    expect(head).toMatchObject({
      own: { id: new Uint8Array(0), time: { timeMs: NOW_MS + 60_000, counter: 0 } },
    });
    // One that comes back from others does not become the end of the chain.
    store.transact([[received(signedMessage(me, { time: { timeMs: WALL_MS + 2_000_000 } }))]]);
    expect(store.read(SOUND.ask)).toMatchObject({ own: { id: new Uint8Array(0) } });
  });
});

describe('a recovery', () => {
  const spoiled = (): Buffer => {
    const bytes = Buffer.from(MADE.closed);
    bytes.fill(0, (rootOf('message') - 1) * PAGE, rootOf('message') * PAGE);
    return bytes;
  };

  it.each(['build', 'rename', 'move', 'replace'] as const)(
    'that ends before "%s" is finished by the next start',
    (step) => {
      const bytes = spoiled();
      const file = lay(bytes, Buffer.alloc(0));
      const at = (now: string): void => {
        if (now === step) throw new Error('the process ends');
      };
      expect(() => open(file, { at })).toThrow('the process ends');
      const { store } = open(file);
      expect(held(store)).toEqual(SOUND.held);
      const kept = findKept(file);
      expect(kept).toHaveLength(1);
      expect(fs.readFileSync(path.join(kept[0] as string, 'store.db'))).toEqual(bytes);
      expect(fs.readdirSync(path.dirname(file)).filter((name) => /recover/.test(name))).toEqual([]);
    },
  );

  it('is refused where there is no room, and changes nothing', () => {
    const bytes = spoiled();
    const file = lay(bytes);
    expect(() => open(file, { freeBytes: bytes.length })).toThrow(failure('store_damaged', 'no room'));
    expect(fs.readFileSync(file)).toEqual(bytes);
    expect(findKept(file)).toEqual([]);
  });

  it('is not done again and again on a disk that fails', () => {
    const file = lay(MADE.closed);
    for (let n = 0; n < KEPT_MAX; n++) {
      fs.writeFileSync(file, spoiled());
      open(file, { wallMs: NOW_MS + 1000 * (n >> 1) }).store.close();
    }
    fs.writeFileSync(file, spoiled());
    expect(() => open(file)).toThrow(failure('store_damaged', 'the disk may be failing'));
    expect(findKept(file)).toHaveLength(KEPT_MAX);
  });

  it('that a mark asks for and that is refused does not keep a usable database closed', () => {
    const file = lay(MADE.closed);
    markDamaged(file, 'a row');
    const { store, done } = open(file, { freeBytes: 0 });
    expect(done).toBeUndefined();
    expect(held(store)).toEqual(SOUND.held);
  });

  it('is not asked for by the mark of a database that was moved away', () => {
    const file = lay(MADE.closed);
    markDamaged(file, 'a row');
    fs.rmSync(file);
    const { store, done } = open(file);
    expect([done, store.lastArrival()]).toEqual([undefined, 0]);
    store.close();
    expect(open(file).done).toBeUndefined();
  });

  it('never touches a database of another program, of another network or of a newer version', () => {
    const foreign = path.join(newFolder(), 'store.db');
    const db = new Database(foreign);
    db.exec('CREATE TABLE things (x)');
    db.close();
    const [text, newer, network] = [
      lay(Buffer.from('no database at all\n'.repeat(900))),
      lay(MADE.closed),
      lay(MADE.closed),
    ];
    const later = new Database(newer);
    later.pragma('user_version = 4711');
    later.close();
    for (const file of [newer, network]) markDamaged(file, 'a row');
    for (const [file, code] of [
      [foreign, 'store_damaged'],
      [text, 'store_damaged'],
      [newer, 'store_newer'],
    ] as const) {
      const before = fs.readFileSync(file);
      expect(() => open(file)).toThrow(failure(code, file));
      expect(fs.readFileSync(file)).toEqual(before);
      expect(findKept(file)).toEqual([]);
    }
    const asOther = () => openStore({ path: network, network: 'other', sha256, recovery: OPTIONS });
    expect(asOther).toThrow(failure('bad_option', `"${NETWORK}"`));
    expect(fs.readFileSync(network)).toEqual(MADE.closed);
  });

  it('takes over a database of an older version', () => {
    const file = path.join(newFolder(), 'store.db');
    const old = writeSchema1(file, [joined('dev'), ...MESSAGES.slice(0, 5).map(received)]);
    old.pragma('wal_checkpoint(TRUNCATE)');
    old.close();
    markDamaged(file, 'a row');
    const { store, done } = open(file);
    expect(done).toMatchObject({ messages: 5, lost: 0, joined: 1, partial: [] });
    expect(store.read(SOUND.ask)).toMatchObject({ own: { id: new Uint8Array(0) } });
  });

  it('is asked for by a page that cannot be read while the database is open', () => {
    const bytes = Buffer.from(MADE.closed);
    const root = rootOf('idempotency');
    bytes.fill(0xa5, (root - 1) * PAGE, root * PAGE);
    const file = openFile({ path: lay(bytes), network: NETWORK });
    const met: string[] = [];
    const onStructure = (text: string): void => void met.push(text);
    const store = createSqliteStore(file.db, { network: NETWORK, sha256, onStructure }, file.close);
    stores.push(store);
    expect(() => store.transact([[published(signedMessage(me, { nonce: 8 }), 'key')]])).toThrow(
      failure('store_damaged', 'malformed'),
    );
    expect(met).toEqual([expect.stringContaining('malformed')]);
  });

  it('is asked for by damage that is met while the database is open, in a page or by a scrub', () => {
    const file = lay(MADE.closed);
    const db = new Database(file);
    db.exec('UPDATE message SET kind = 3 WHERE arrival = 2');
    db.close();
    const first = open(file).store;
    first.scrub.page(nodeVerify, { messages: 99, bytes: 1e9, wallMs: NOW_MS });
    first.close();
    const second = open(file);
    expect(second.done?.why).toMatch(/message number 2/);
    expect(held(second.store)).toEqual(SOUND.held);
  });
});
