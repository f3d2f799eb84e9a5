/**
 * The system calls of a daemon show that the disk has a message before anybody is told so, and that the files which
 * cannot be made again are on the disk before they are used.
 */
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Author, pushOf } from '../testing/author.ts';
import { MeshProcess, makeFolder } from '../testing/mesh-process.ts';
import { RawPeer } from '../testing/raw-peer.ts';
import { CAN_TRACE, type Call, carries, isSync, isWrite, readTrace, traced } from '../testing/trace.ts';
import { until } from '../testing/wait.ts';

const CHANNEL = '#order';
const idBytes = (id: string): Buffer => Buffer.from(id, 'base64url');

describe.runIf(CAN_TRACE)('the system calls of a daemon', () => {
  let calls: readonly Call[];
  let data: string;
  const published: string[] = [];
  const pushed: string[] = [];

  beforeAll(async () => {
    const file = path.join(makeFolder(), 'trace');
    const mesh = await MeshProcess.start({ under: traced(file) });
    data = mesh.data;
    const leaf = await RawPeer.link(mesh);
    const author = new Author();
    for (let i = 0; i < 4; i++) {
      published.push((await mesh.client.publish({ channel: CHANNEL, body: `published ${i}` })).id);
      const messages = [0, 1, 2].map((n) => author.write({ channel: 'lobby', body: `pushed ${i} ${n}` }));
      leaf.send(pushOf(messages.map(({ wire }) => wire)));
      await until('they are stored', () => messages.every(({ idText }) => leaf.stored.has(idText)));
      pushed.push(...messages.map(({ idText }) => idText));
    }
    leaf.close();
    await mesh.stop();
    calls = await until('the tracer has written all', () => {
      const all = readTrace(file);
      return all.some(({ args }) => args.includes(Buffer.from('daemon stopped').toString('hex'))) && all;
    });
  });

  const isLog = ({ on }: Call): boolean => on === path.join(data, 'store.db-wal');
  const isSocket = ({ on }: Call): boolean => /^(?:socket:|TCP)/.test(on);

  /** The disk had it before the first answer that carries these bytes. */
  function expectSynced(id: string, said: Uint8Array): void {
    const answer = calls.findIndex((call) => isWrite(call) && isSocket(call) && carries(call, said));
    expect(answer, `${id} was answered`).toBeGreaterThan(0);
    const before = calls.slice(0, answer);
    const row = before.findIndex((call) => isWrite(call) && isLog(call) && carries(call, idBytes(id)));
    expect(row, `${id} was written into the log before`).toBeGreaterThanOrEqual(0);
    const lastWrite = before.findLastIndex((call) => isWrite(call) && isLog(call));
    const lastSync = before.findLastIndex((call) => isSync(call) && isLog(call));
    expect(lastSync, `the log was flushed between ${id} and its answer`).toBeGreaterThan(lastWrite);
  }

  it('flush the log before a client is told that its message is published', () => {
    for (const id of published) expectSynced(id, Buffer.from(id));
  });

  it('flush the log before a neighbour is told that its message is stored', () => {
    for (const id of pushed) expectSynced(id, idBytes(id));
  });

  it('flush the folder of a new log before the first answer', () => {
    const first = calls.findIndex((call) => isWrite(call) && isLog(call));
    const answer = calls.findIndex(
      (call) => isWrite(call) && isSocket(call) && carries(call, Buffer.from(published[0] as string)),
    );
    const folder = calls.findIndex((call, i) => i > first && isSync(call) && call.on === data);
    expect(first).toBeGreaterThan(0);
    expect(folder).toBeGreaterThan(first);
    expect(folder).toBeLessThan(answer);
  });

  it('flush key files, what names them, and the folders, before the daemon listens', () => {
    const started = calls.findIndex(({ args }) =>
      args.includes(Buffer.from('daemon started').toString('hex')),
    );
    for (const name of ['key.pem', 'pub.pem', 'peer.pem']) {
      const file = path.join(data, 'keys', name);
      const named = calls.findIndex(({ name: call, on }) => /^(?:link|rename)/.test(call) && on === file);
      expect(named, `${name} gets its name`).toBeGreaterThan(0);
      const flushed = calls.findIndex((call) => isSync(call) && call.on.startsWith(`${file}.`));
      expect(flushed, `${name} is flushed before it has its name`).toBeGreaterThan(0);
      expect(flushed).toBeLessThan(named);
      const folder = calls.findIndex(
        (call, i) => i > named && isSync(call) && call.on === path.dirname(file),
      );
      expect(folder, `the folder is flushed after ${name} has its name`).toBeGreaterThan(named);
      expect(folder).toBeLessThan(started);
    }
    for (const [made, above] of [
      [path.join(data, 'keys'), data],
      [data, path.dirname(data)],
    ] as const) {
      const at = calls.findIndex(({ name, on, isOk }) => /^mkdir/.test(name) && isOk && on === made);
      const flushed = calls.findIndex((call, i) => i > at && isSync(call) && call.on === above);
      expect(at, `${made} is made`).toBeGreaterThan(0);
      expect(flushed, `the folder above ${made} is flushed`).toBeGreaterThan(at);
      expect(flushed).toBeLessThan(started);
    }
  });
});
