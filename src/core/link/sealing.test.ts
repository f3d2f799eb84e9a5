/** Which links are sealed, and from when on. */
import { describe, expect, it } from 'vitest';
import type { Scope } from '../contract.ts';
import { Bench } from '../peer.fixture.ts';
import type { ConnectOptions } from '../remote.fixture.ts';
import { encodeFrame } from '../wire/frames.ts';

const featuresOf = (text: string | undefined): string[] =>
  JSON.parse(text ?? '').capabilities.mesh.features as string[];

/** What we say, and whether the link is sealed, if the other side says `theirs`. */
function shake(options: ConnectOptions, theirs: readonly string[], config = {}) {
  const bench = new Bench({ config });
  const remote = bench.open('b', options);
  remote.sayHandshake({ features: theirs });
  if (remote.closed) return { code: remote.closed.code };
  remote.send(remote.authFrame());
  expect(remote.isUp).toBe(true);
  return { ours: featuresOf(remote.texts[0]), isSealed: bench.of('agree')[0]?.isSealed };
}

const there = (url: string, scope: Scope): ConnectOptions => ({ role: 'responder', url, scope });
const here = (scope: Scope): ConnectOptions => ({ role: 'dialler', scope });
const WS = 'ws://b.example:1/';
const WSS = 'wss://b.example/';
const CAN = ['seal'];
const MUST = ['seal', 'seal-this'];

describe('a link', () => {
  it.each([
    ['dialled over a network', there(WS, 'public'), CAN, MUST, true],
    ['dialled in an office', there(WS, 'private'), CAN, MUST, true],
    ['dialled on this machine', there(WS, 'loopback'), CAN, CAN, false],
    ['dialled on this machine, by name of a tunnel', there(WS, 'loopback'), MUST, CAN, true],
    ['dialled over TLS', there(WSS, 'public'), CAN, [...CAN, 'tls'], false],
    ['accepted over a network', here('public'), CAN, MUST, true],
    ['accepted over a network, and so says the other side', here('public'), MUST, MUST, true],
    ['accepted from a proxy that ends TLS', here('public'), [...CAN, 'tls'], CAN, false],
    ['accepted on this machine', here('loopback'), CAN, CAN, false],
    ['accepted on this machine, and it leads elsewhere', here('loopback'), MUST, CAN, true],
  ] as const)('%s', (_, options, theirs, ours, isSealed) => {
    expect(shake(options, theirs)).toEqual({ ours, isSealed });
  });

  it('on this machine is sealed where the owner says so', () => {
    const config = { sealLoopback: true };
    expect(shake(there(WS, 'loopback'), CAN, config)).toEqual({ ours: MUST, isSealed: true });
    expect(shake(here('loopback'), CAN, config)).toEqual({ ours: MUST, isSealed: true });
    expect(shake(there(WSS, 'loopback'), CAN, config)).toMatchObject({ isSealed: false });
  });

  it.each([
    ['that it has to', there(WS, 'public'), []],
    ['what the other side wants', here('loopback'), ['seal-this']],
    ['over a network', here('private'), ['tls ', 'x']],
  ] as const)('is refused by whom does not seal %s', (_, options, theirs) => {
    expect(shake(options, theirs)).toMatchObject({ code: 'unsupported_version' });
  });
});

describe('sealing', () => {
  it('begins behind our own proof, whatever takes longer', () => {
    for (const slow of ['sign', 'verify'] as const) {
      const bench = new Bench();
      bench.hold(slow);
      const remote = bench.open('b', here('public'));
      remote.sayHandshake();
      remote.send(remote.authFrame());
      expect(bench.of('agree')).toEqual([]);
      bench.release(slow);
      const order = bench.effects
        .map(({ kind }) => kind)
        .filter((kind) => kind === 'send' || kind === 'agree');
      expect(order.slice(0, 2)).toEqual(['send', 'agree']);
      expect(remote.isUp).toBe(true);
    }
  });

  it('hands over what came early, and takes it opened, before what came since', () => {
    const bench = new Bench();
    bench.hold('verify');
    bench.hold('agree');
    const remote = bench.open('b', here('public'));
    remote.sayHandshake();
    remote.send(remote.authFrame());
    const record = Uint8Array.of(1, 2, 3);
    remote.bytes(record);
    bench.openEarly = () => [encodeFrame({ type: 'ping', n: 1 })];
    bench.release('verify');
    expect(bench.of('agree')[0]?.early).toEqual([record]);
    remote.send({ type: 'ping', n: 2 });
    bench.release('agree');
    expect(remote.got('pong')).toEqual([
      { type: 'pong', n: 1 },
      { type: 'pong', n: 2 },
    ]);
  });

  it('that fails on what came early ends the link', () => {
    const bench = new Bench();
    bench.agreement = { ok: false, code: 'record_damaged', detail: '' };
    const remote = bench.open('b', here('public'));
    remote.shake();
    expect(remote.closed?.code).toBe('record_damaged');
  });
});
