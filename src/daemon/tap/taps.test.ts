import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../core/bytes.ts';
import { utf8 } from '../../core/bytes.ts';
import { signedMessage } from '../../core/message/message.fixture.ts';
import { anyFrame, FRAME_TYPES } from '../../core/wire/frames.fixture.ts';
import { encodeFrame, type Frame } from '../../core/wire/frames.ts';
import { encodeErrorText, encodeHandshake } from '../../core/wire/handshake.ts';
import { sha256 } from '../../crypto/index.ts';
import { MESH1_TYPES, type TapFilter, type TapItem } from './tap-view.ts';
import { TAP_TYPES, TAPS_MAX, Taps } from './taps.ts';

const PEER = `${'B'.repeat(42)}E`;
const OTHER = `${'C'.repeat(42)}E`;
const WALL_MS = Date.UTC(2026, 10, 20, 12, 0, 0);
const ALL: TapFilter = { peer: undefined, types: undefined };

function setUp() {
  /** link 1 and 2 are proven, others are not */
  const peers = new Map([
    [1, PEER],
    [2, OTHER],
  ]);
  const taps = new Taps({
    network: 'openclaw',
    sha256,
    wallMs: () => WALL_MS,
    peerOf: (link) => peers.get(link) ?? '',
    links: () => 2,
  });
  const stop = new AbortController();
  /** A tap that has begun; `next` gives what it shows. */
  const open = async (filter: Partial<TapFilter> = {}) => {
    const items = taps.open({ ...ALL, ...filter }, stop.signal);
    const next = async (): Promise<TapItem | undefined> => (await items.next()).value ?? undefined;
    expect(await next()).toEqual({ kind: 'begun', time: '2026-11-20T12:00:00.000Z', links: 2 });
    return { next, close: () => items.return() };
  };
  const frame = (link: number, sent: Frame | Bytes) =>
    taps.received({
      kind: 'frame-received',
      link,
      bytes: sent instanceof Uint8Array ? sent : encodeFrame(sent),
    });
  return { taps, peers, stop, open, frame };
}

const ping = (n: number): Frame => ({ type: 'ping', n });
const shownPing = (n: number) => expect.objectContaining({ type: 'ping', fields: { n } });

describe('a tap', () => {
  it('shows each frame in and out with its peer, size and fields', async () => {
    const { taps, open, frame } = setUp();
    const tap = await open();
    frame(1, ping(7));
    taps.sent({ links: [1, 2], frame: encodeFrame({ type: 'role', relay: true, live: false }) });
    const common = { kind: 'frame', protocol: 'mesh/2', time: '2026-11-20T12:00:00.000Z' };
    expect(await tap.next()).toEqual({
      ...common,
      ...{ link: 1, peer: PEER, direction: 'in', bytes: 3, type: 'ping', fields: { n: 7 } },
    });
    const role = { direction: 'out', bytes: 4, type: 'role', fields: { relay: true, live: false } };
    expect(await tap.next()).toEqual({ ...common, ...role, link: 1, peer: PEER });
    expect(await tap.next()).toEqual({ ...common, ...role, link: 2, peer: OTHER });
  });

  it('shows the body of a message in an open channel, and of others only the size', async () => {
    const { open, frame } = setUp();
    const tap = await open();
    const said = signedMessage({ channel: 'dev', body: 'said to all', payload: utf8('{"a":1}') });
    const sealed = signedMessage({ channel: `~${OTHER}`, body: 'é sealed' });
    frame(1, { type: 'push', root: '', keep: true, messages: [said, sealed] });
    const item = await tap.next();
    expect(item).toMatchObject({
      type: 'push',
      fields: {
        keep: true,
        messages: {
          count: 2,
          first: [
            { id: said.idText, channel: 'dev', body: 'said to all', payloadBytes: 7 },
            { id: sealed.idText, bodyBytes: 9 },
          ],
        },
      },
    });
    expect(JSON.stringify(item)).not.toContain('sealed"');
  });

  it.each(FRAME_TYPES)('shows a frame "%s" as bounded JSON', async (type) => {
    const { open, frame } = setUp();
    const tap = await open();
    await fc.assert(
      fc.asyncProperty(anyFrame[type] as fc.Arbitrary<Frame>, async (sent) => {
        frame(1, sent);
        const item = await tap.next();
        expect(item).toMatchObject({ kind: 'frame', type });
        expect(JSON.parse(JSON.stringify(item))).toEqual(item);
        expect(JSON.stringify(item).length).toBeLessThan(20_000);
      }),
      { numRuns: 30 },
    );
  });

  it('shows the texts before a link is up, and what ends it', async () => {
    const { taps, open } = setUp();
    const tap = await open();
    const [nonce, ephemeral] = [new Uint8Array(16), new Uint8Array(32)];
    const greeting = {
      peer: PEER,
      relay: true,
      network: 'openclaw',
      nonce,
      ephemeral,
      features: ['seal'],
      agent: 'x',
    };
    taps.received({ kind: 'text-received', link: 3, text: encodeHandshake(greeting) });
    expect(await tap.next()).toMatchObject({
      ...{ type: 'handshake', peer: null, link: 3, direction: 'in' },
      fields: { peer: PEER, network: 'openclaw', relay: true, key: { bytes: 32, hex: '00000000' } },
    });
    taps.sentText(3, encodeErrorText('wrong_network', 'no'));
    const fields = { code: 'wrong_network', detail: 'no' };
    expect(await tap.next()).toMatchObject({ type: 'error', direction: 'out', fields });
    taps.closing(3, 'wrong_network', 'no');
    taps.received({ kind: 'link-closed', link: 3, reason: 'closed here' });
    expect(await tap.next()).toMatchObject({ kind: 'closed', by: 'us', code: 'wrong_network', reason: 'no' });
    taps.received({ kind: 'link-closed', link: 1, reason: 'connection closed' });
    expect(await tap.next()).toMatchObject({
      kind: 'closed',
      by: 'them',
      peer: PEER,
      reason: 'connection closed',
    });
  });

  it('shows what is no frame as refused with its code, and records before a link is up as unreadable', async () => {
    const { taps, open, frame } = setUp();
    const tap = await open();
    const junk = new Uint8Array([0xff, 0x07, 1, 2, 3]);
    frame(1, junk);
    const refused = { kind: 'refused', code: 'invalid_message', bytes: 5, head: 'ff07010203' };
    expect(await tap.next()).toMatchObject({ ...refused, peer: PEER });
    frame(9, junk);
    expect(await tap.next()).toMatchObject({ kind: 'frame', type: 'unreadable', peer: null });
    taps.received({ kind: 'text-received', link: 1, text: '{"type":"ping"}' });
    expect(await tap.next()).toMatchObject({
      kind: 'refused',
      code: 'invalid_message',
      head: '{"type":"ping"}',
    });
    taps.received({ kind: 'text-received', link: 9, text: '{"type":"handshake","version":1}' });
    expect(await tap.next()).toMatchObject({ kind: 'refused', code: 'unsupported_version' });
  });

  it('knows the peer of the last frame of a link that is forgotten already', async () => {
    const { taps, peers, open, frame } = setUp();
    const tap = await open();
    frame(1, ping(1));
    peers.delete(1);
    taps.sent({ links: [1], frame: encodeFrame({ type: 'error', code: 'banned', detail: '' }) });
    await tap.next();
    expect(await tap.next()).toMatchObject({ type: 'error', peer: PEER });
  });
});

describe('a filter', () => {
  it('of a peer takes its frames alone, by the beginning of its id', async () => {
    const { open, frame } = setUp();
    const tap = await open({ peer: OTHER.slice(0, 6) });
    for (const [n, link] of [1, 2, 9, 2].entries()) frame(link, ping(n));
    expect([await tap.next(), await tap.next()]).toEqual([shownPing(1), shownPing(3)]);
  });

  it('of types takes these alone, and garbage that poses as one', async () => {
    const { taps, open, frame } = setUp();
    const tap = await open({ types: ['pong', 'closed'] });
    frame(1, ping(1));
    frame(1, { type: 'pong', n: 2 });
    frame(1, new Uint8Array([0x82, 0x03, 0xff])); // the number of a pong, and no frame
    frame(1, new Uint8Array([0x82, 0x02, 0xff])); // that of a ping
    taps.received({ kind: 'link-opened', link: 4, ...OPENED });
    taps.received({ kind: 'link-closed', link: 1, reason: 'x' });
    expect([await tap.next(), await tap.next(), await tap.next()]).toMatchObject([
      { type: 'pong' },
      { kind: 'refused', head: '8203ff' },
      { kind: 'closed' },
    ]);
  });

  it('may name every type of frame, and what happens to links', () => {
    const events = ['handshake', 'unreadable', 'opened', 'closed', 'refused'];
    expect(new Set(TAP_TYPES)).toEqual(new Set([...FRAME_TYPES, ...MESH1_TYPES, ...events]));
  });
});

const OPENED = {
  ...({ role: 'dialler', url: 'ws://x/', scope: 'loopback', host: '127.0.0.1' } as const),
  ...{ nonce: new Uint8Array(16), ephemeral: new Uint8Array(32) },
} as const;

describe('a client that does not read', () => {
  it('loses what does not fit, and is told how much where it was', async () => {
    const { open, frame } = setUp();
    const tap = await open();
    for (let n = 0; n < 5000; n++) frame(1, ping(n));
    const first: (TapItem | undefined)[] = [];
    while (first.at(-1)?.kind !== 'lost') first.push(await tap.next());
    const shown = first.length - 1;
    expect(shown).toBe(2048);
    expect(first.at(-1)).toMatchObject({ kind: 'lost', frames: 5000 - shown, all: 5000 - shown });
    for (let n = 0; n < 3000; n++) frame(1, ping(n));
    expect(await tap.next()).toEqual(shownPing(0));
    frame(1, ping(77)); // there is room for one again: the gap stands before it
    const rest: (TapItem | undefined)[] = [];
    while (rest.at(-1)?.kind !== 'lost') rest.push(await tap.next());
    expect(rest.length).toBe(2048);
    expect(rest.at(-1)).toMatchObject({ frames: 3000 - 2048, all: 5000 - shown + 3000 - 2048 });
    expect(await tap.next()).toEqual(shownPing(77));
  });

  it('never has more than some megabytes waiting', async () => {
    const { open, frame } = setUp();
    const tap = await open();
    const large = encodeFrame({ type: 'fetch', ids: Array.from({ length: 2000 }, () => new Uint8Array(32)) });
    for (let n = 0; n < 500; n++) frame(1, large.slice());
    let bytes = 0;
    for (let item = await tap.next(); item?.kind === 'frame'; item = await tap.next()) bytes += item.bytes;
    expect(bytes).toBeGreaterThan(2 * 1024 * 1024);
    expect(bytes).toBeLessThanOrEqual(4 * 1024 * 1024);
  });

  it('does not stand in the way of another one', async () => {
    const { open, frame } = setUp();
    await open();
    const other = await open({ types: ['pong'] });
    for (let n = 0; n < 5000; n++) frame(1, ping(n));
    frame(1, { type: 'pong', n: 1 });
    expect(await other.next()).toMatchObject({ type: 'pong' });
  });
});

describe('taps', () => {
  it('cost nothing while none is open', async () => {
    const { taps, open } = setUp();
    expect(taps.isOpen).toBe(false);
    const tap = await open();
    expect(taps.isOpen).toBe(true);
    await tap.close();
    expect(taps.isOpen).toBe(false);
  });

  it('are few: one too many is refused, until one is closed', async () => {
    const { taps, open, stop } = setUp();
    const all = [];
    for (let i = 0; i < TAPS_MAX; i++) all.push(await open());
    await expect(taps.open(ALL, stop.signal).next()).rejects.toMatchObject({ code: 'too_many_requests' });
    await all[0]?.close();
    await open();
  });

  it('end with their signal, and with a word when the daemon stops', async () => {
    const { taps, open, stop } = setUp();
    const gone = await open();
    const waiting = gone.next();
    stop.abort();
    expect(await waiting).toBeUndefined();
    expect(taps.isOpen).toBe(false);
    const other = new AbortController();
    const items = taps.open(ALL, other.signal);
    await items.next();
    const last = items.next();
    taps.close();
    expect((await last).value).toMatchObject({ kind: 'ended', reason: 'stopping' });
    expect(await items.next()).toEqual({ done: true, value: undefined });
    await expect(taps.open(ALL, other.signal).next()).rejects.toMatchObject({ code: 'stopping' });
  });
});
