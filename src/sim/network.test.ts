import { describe, expect, it } from 'vitest';
import { toBase64url } from '../core/bytes.ts';
import { channelTag } from '../core/channel/channel.ts';
import type { Droppable, Effect } from '../core/contract.ts';
import { sha256 } from '../crypto/hash.ts';
import { SIM_NETWORK } from './network.ts';
import type { Profile } from './profile.ts';
import { ScriptedCore } from './testing/scripted-core.ts';
import { World } from './world.ts';

interface Pair {
  readonly world: World;
  readonly a: ScriptedCore;
  readonly b: ScriptedCore;
  /** A executes these now */
  readonly act: (...effects: Effect[]) => void;
  /** number of A's link to B */
  readonly link: number;
}

/** A and B, linked. */
function createPair(profile: Partial<Profile> = {}): Pair {
  const world = new World({ scenario: 'network', seed: 5, createCore: () => new ScriptedCore(), profile });
  const [a, b] = [new ScriptedCore(), new ScriptedCore()];
  world.add('A', { createCore: () => a });
  const { url } = world.add('B', { createCore: () => b }).options;
  const act = (...effects: Effect[]) => {
    a.will(...effects);
    world.network.deliver(world.host('A'), { kind: 'timer', timer: { kind: 'flush' } });
  };
  world.start('A');
  world.start('B');
  act({ kind: 'dial', url, scope: 'loopback' });
  world.run(500);
  return { world, a, b, act, link: a.of('link-opened')[0]?.link ?? 0 };
}

function frame(
  links: number[],
  bytes: number[],
  more: { droppable?: Droppable; notify?: number } = {},
): Effect {
  const { droppable = false, notify = 0 } = more;
  return { kind: 'send', links, frame: Uint8Array.from(bytes), droppable, notify };
}

const tag = toBase64url(channelTag(sha256, SIM_NETWORK, 'dev'));
const join = { kind: 'join', channel: 'dev', tag } as const;

describe('the simulated network', () => {
  it('opens a link on both sides, with the address on the dialling one and fresh nonces', () => {
    const { world, a, b } = createPair();
    const [ours, theirs] = [a.of('link-opened')[0], b.of('link-opened')[0]];
    expect(ours).toMatchObject({ role: 'dialler', url: world.host('B').options.url, scope: 'loopback' });
    expect(theirs).toMatchObject({ role: 'responder', url: '' });
    expect(theirs?.link).not.toBe(ours?.link);
    expect(theirs?.nonce).not.toEqual(ours?.nonce);
  });

  it('keeps the order of one link and tells when a frame has left the queue', () => {
    const { world, a, b, act, link } = createPair({ jitterMs: [0, 50] });
    for (let i = 0; i < 50; i++) act(frame([link], [i], { notify: i === 49 ? 7 : 0 }));
    world.run(1000);
    expect(b.of('frame-received').map(({ bytes }) => bytes[0])).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    );
    expect(a.of('link-flushed')).toEqual([{ kind: 'link-flushed', link, notify: 7 }]);
  });

  it('drops droppable frames at a full queue, keeps the others, and closes far above it', () => {
    const { world, a, b, act, link } = createPair({
      queueBytesMax: 100,
      queueBytesClose: 250,
      bytesPerMs: 1,
    });
    const bytes = Array.from({ length: 60 }, () => 7);
    act(
      frame([link], bytes),
      frame([link], [1, ...bytes], { droppable: true }),
      frame([link], [2, ...bytes]),
    );
    world.run(1000);
    expect(b.of('frame-received').map(({ bytes }) => bytes[0])).toEqual([7, 2]);
    act(...Array.from({ length: 5 }, () => frame([link], bytes)));
    world.run(1000);
    expect(a.of('link-closed')).toEqual([{ kind: 'link-closed', link, reason: 'too_slow' }]);
  });

  it('delivers what was sent before a close, then the close, and ignores the link afterwards', () => {
    const { world, a, b, act, link } = createPair();
    const close = { kind: 'close', link, code: 'banned', detail: 'enough' } as const;
    act(frame([link], [1]), close, frame([link], [2]));
    world.run(1000);
    expect(b.events.slice(-2)).toMatchObject([
      { kind: 'frame-received' },
      { kind: 'link-closed', reason: 'banned' },
    ]);
    expect(a.of('link-closed')).toHaveLength(1);
  });

  it('keeps what comes while the host does not read, in order', () => {
    const { world, a, b, act, link } = createPair();
    const theirs = b.of('link-opened')[0]?.link ?? 0;
    b.will({ kind: 'pause', link: theirs, delayMs: 500 });
    act(frame([link], [1]));
    world.run(100);
    act(frame([link], [2]), frame([link], [3]));
    world.run(300);
    expect(b.of('frame-received').map(({ bytes }) => bytes[0])).toEqual([1]);
    world.run(500);
    expect(b.of('frame-received').map(({ bytes }) => bytes[0])).toEqual([1, 2, 3]);
    expect(a.of('link-closed')).toEqual([]);
  });

  it('keeps the order when the host stops reading again in the middle of what waited', () => {
    const { world, b, act, link } = createPair();
    const theirs = b.of('link-opened')[0]?.link ?? 0;
    const pause: Effect = { kind: 'pause', link: theirs, delayMs: 500 };
    b.will(pause);
    act(frame([link], [1]), frame([link], [2]), frame([link], [3]));
    world.run(300);
    b.will(pause);
    world.run(500);
    expect(b.of('frame-received').map(({ bytes }) => bytes[0])).toEqual([1, 2]);
    world.run(500);
    expect(b.of('frame-received').map(({ bytes }) => bytes[0])).toEqual([1, 2, 3]);
  });

  it('leaves what does not fit the window of a host that does not read with the sender', () => {
    const { world, b, act, link } = createPair({ windowBytes: 100, queueBytesMax: 150 });
    const theirs = b.of('link-opened')[0]?.link ?? 0;
    const bytes = Array.from({ length: 60 }, () => 0);
    b.will({ kind: 'pause', link: theirs, delayMs: 2000 });
    for (let i = 1; i <= 6; i++) {
      act(frame([link], [i, ...bytes], { droppable: true }));
      world.run(100);
    }
    world.run(2000);
    // The first is read, the next fills the window, two fill the queue, and for more there is no room.
    expect(b.of('frame-received').map((one) => one.bytes[0])).toEqual([1, 2, 3, 4]);
    act(frame([link], [7, ...bytes], { droppable: true }));
    world.run(100);
    expect(b.of('frame-received').at(-1)?.bytes[0]).toBe(7);
  });

  it('drops what goes first while there is still room for what may be dropped', () => {
    const { world, b, act, link } = createPair({ bytesPerMs: 100 });
    const large = Array.from({ length: 20_000 }, () => 0);
    act(
      frame([link], [1, ...large], { droppable: true }),
      frame([link], [2, ...large], { droppable: 'first' }),
      frame([link], [3, ...large], { droppable: true }),
    );
    world.run(2000);
    act(frame([link], [4, ...large], { droppable: 'first' }));
    world.run(2000);
    expect(b.of('frame-received').map(({ bytes }) => bytes[0])).toEqual([1, 3, 4]);
  });

  it('repeats frames where a middle box does', () => {
    const { world, b, act, link } = createPair({ repeatShare: 1 });
    act(frame([link], [1]), frame([link], [2]));
    world.run(1000);
    expect(b.of('frame-received').map(({ bytes }) => bytes[0])).toEqual([1, 1, 2, 2]);
  });

  it('shows each host its own wall clock, which can be set', () => {
    const { world, b, act, link } = createPair();
    const { network } = world;
    const trueMs = network.nowOf(world.host('A')).wallMs;
    const { monotonicMs } = network.nowOf(world.host('B'));
    world.setClock('B', -3_600_000);
    expect(network.nowOf(world.host('B'))).toEqual({ monotonicMs, wallMs: trueMs - 3_600_000 });
    act(frame([link], [1]));
    world.sleep(60_000);
    expect(network.nowOf(world.host('A')).wallMs).toBe(trueMs + 60_000);
    world.run(0);
    expect(b.of('frame-received')).toHaveLength(1);
  });

  it('loses what is in flight when a link breaks, and tells both ends', () => {
    const { world, a, b, act, link } = createPair();
    act(frame([link], [1]));
    for (const wire of world.network.dialler.wires()) world.network.dialler.breakWire(wire);
    world.run(1000);
    expect(b.of('frame-received')).toEqual([]);
    expect([a.of('link-closed').length, b.of('link-closed').length]).toEqual([1, 1]);
  });

  it('swallows everything on a silent link, and resets it when a crashed peer is back', () => {
    const { world, a, act, link } = createPair();
    world.crash('B', 'power');
    act(frame([link], [1]));
    world.run(60_000);
    expect(a.of('link-closed')).toEqual([]);
    world.start('B');
    world.run(1000);
    expect(a.of('link-closed')).toMatchObject([{ link }]);
  });

  it('refuses dials to nobody at once and lets those across a partition time out', () => {
    const { world, a, act } = createPair();
    world.network.dialler.partition([[world.host('A')], [world.host('B')]]);
    act({ kind: 'dial', url: world.host('B').options.url, scope: 'loopback' });
    act({ kind: 'dial', url: 'ws://127.7.7.7:7/', scope: 'loopback' });
    world.run(1000);
    expect(a.of('dial-failed')).toMatchObject([{ reason: 'connection refused' }]);
    world.run(10_000);
    expect(a.of('dial-failed')).toMatchObject([{}, { reason: 'timed out' }]);
    world.network.dialler.heal();
    world.run(1000);
    expect(a.of('link-closed')).toHaveLength(1);
  });

  it('answers reads before anything else happens, and persists in order with group commits', () => {
    const { world, a, act } = createPair();
    act(
      { kind: 'persist', token: 1, ops: [join] },
      { kind: 'persist', token: 2, ops: [join] },
      { kind: 'read', token: 3, query: { kind: 'has', ids: [] } },
      { kind: 'persist', token: 4, ops: [join] },
    );
    expect(a.events.at(-1)).toMatchObject({ kind: 'read', token: 3 });
    world.run(1000);
    expect(a.of('persisted').map(({ token }) => token)).toEqual([1, 2, 4]);
  });

  it('says which persist failed when the disk fails, and goes on with the next', () => {
    const { world, a, act } = createPair();
    world.host('A').disk?.failNext(1);
    act({ kind: 'persist', token: 1, ops: [join] }, { kind: 'persist', token: 2, ops: [join] });
    world.run(1000);
    expect(a.of('persist-failed')).toMatchObject([{ token: 1, code: 'store_failed' }]);
    expect(a.of('persisted')).toMatchObject([{ token: 2 }]);
  });

  it.each([
    ['before-commit', 0],
    ['after-commit', 1],
  ] as const)('crashes %s without telling the core, with %i channels kept', (side, kept) => {
    const { world, a, act } = createPair();
    world.crashAtCommit('A', { side, how: 'killed' });
    act({ kind: 'persist', token: 1, ops: [join] });
    world.run(1000);
    expect(world.host('A').isUp).toBe(false);
    expect(a.of('persisted')).toEqual([]);
    expect(world.host('A').store.restore().joined).toHaveLength(kept);
  });

  it('lets nothing of an earlier run reach a later one', () => {
    const { world, a, act, link } = createPair();
    act({ kind: 'timer', timer: { kind: 'heartbeat', link }, delayMs: 500 });
    world.crash('A');
    world.start('A');
    world.run(2000);
    expect(a.of('timer').filter(({ timer }) => timer.kind === 'heartbeat')).toEqual([]);
  });
});
