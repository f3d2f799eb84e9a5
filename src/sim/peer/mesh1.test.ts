/** Links with mesh/1 peers: who is taken for one, what passes in both directions, and what does not. */
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../../core/bytes.ts';
import { NO_RATES } from '../../core/defaults.ts';
import { LIMITS } from '../../core/limits.ts';
import { authorOf } from '../../core/message/message.fixture.ts';
import { encodeWireItem, type Message } from '../../core/message/message.ts';
import { Bench, tagOf } from '../../core/peer.fixture.ts';
import type { PeerConfig } from '../../core/peer-types.ts';
import { bodies, createStore, restored } from './holder.fixture.ts';
import { carrying, type Hello, OldPeer, original } from './mesh1.fixture.ts';

function setUp(options: { config?: Partial<PeerConfig>; hello?: Hello; joined?: string[] } = {}) {
  const store = createStore();
  const state = { ...restored(store), joined: options.joined ?? ['dev'] };
  const bench = new Bench({ store, state, config: options.config ?? {} });
  const connect = (name = 'old', hello: Hello = options.hello ?? {}) => new OldPeer(bench, name, hello);
  return { bench, store, connect };
}

const links = (bench: Bench) =>
  bench.peer.snapshot(bench.now).links.filter(({ protocol }) => protocol === 'mesh/1');

describe('a mesh/1 peer', () => {
  it('is answered with a handshake that it understands, and told what we want', () => {
    const { bench, connect } = setUp();
    const old = connect();
    expect(old.heard()).toMatchObject([
      { type: 'handshake', version: 1, peer_id: bench.peerId, capabilities: { store: true } },
      { type: 'subscribe', channel_id: 'dev' },
    ]);
    expect(bench.of('mesh1')).toMatchObject([{ textBytesMax: LIMITS.mesh1BytesMax }]);
    expect(links(bench)).toMatchObject([
      { peer: 'peer-0a1b2c3d', kind: 'mesh1', direction: 'in', protection: 'none', unverified: 0 },
    ]);
    connect('with a store', { store: true });
    expect(bench.of('mesh1')[1]).toMatchObject({ textBytesMax: LIMITS.mesh1FirstBytesMax });
    bench.run(60_000);
    expect(old.remote.closed).toBeUndefined();
  });

  it('may have been dialled: its address is in use and not dialled again', () => {
    const { bench } = setUp();
    const url = 'ws://old.example:5000/';
    bench.event({
      kind: 'addresses',
      source: 'list',
      scope: 'public',
      fixed: true,
      addresses: [{ url, peer: '' }],
    });
    bench.run(0);
    const old = new OldPeer(bench, 'old', {}, { role: 'responder', url });
    expect(old.heard().map(({ type }) => type)).toEqual(['handshake', 'subscribe']);
    expect(bench.peer.snapshot(bench.now).addresses).toMatchObject([{ url, state: 'linked', peer: '' }]);
    bench.run(60_000);
    expect(bench.of('dial')).toHaveLength(1);
    old.remote.hangUp();
    bench.run(10_000);
    expect(bench.of('dial').length).toBeGreaterThan(1);
    expect(links(bench)).toEqual([]);
  });

  it.each<[string, Partial<PeerConfig>, (bench: Bench) => string, string]>([
    ['where such links are off', { mesh1: false }, () => 'peer-1', 'unsupported_version'],
    ['with our own id', {}, (bench) => bench.peerId, 'self_link'],
    [
      'with the id of a peer that has proven to speak mesh/2',
      {},
      (bench) => {
        const home = bench.connect('home', { role: 'responder', relay: true });
        home.hangUp();
        return home.id;
      },
      'unauthorized',
    ],
  ])('is refused %s', (_, config, labelOf, code) => {
    const { bench, connect } = setUp({ config });
    const old = connect('old', { peerId: labelOf(bench) });
    expect(old.remote.refusal).toBe(code);
    expect(old.remote.closed?.code).toBe(code);
    expect(links(bench)).toEqual([]);
  });

  it('is not expected at an address where a peer of mesh/2 was, for 30 days and over restarts', () => {
    const url = 'ws://home.example:5000/';
    const take = (provenMs: number, now: Bench) => {
      const store = createStore();
      const addresses = [{ url, peer: authorOfText('home'), provenMs }];
      const bench = new Bench({ store, state: { ...restored(store), addresses } });
      expect(bench.now.wallMs).toBe(now.now.wallMs);
      return new OldPeer(bench, 'old', {}, { role: 'responder', url }).remote.closed?.code;
    };
    const clock = new Bench();
    const day = 24 * 60 * 60 * 1000;
    expect(take(clock.now.wallMs - 29 * day, clock)).toBe('unauthorized');
    expect(take(clock.now.wallMs - 31 * day, clock)).toBeUndefined();
  });

  it('finds no place beyond the limit', () => {
    const { bench, connect } = setUp();
    for (let i = 0; i < LIMITS.mesh1InboundMax; i++) connect(`old ${i}`);
    expect(links(bench)).toHaveLength(LIMITS.mesh1InboundMax);
    expect(connect('one more').remote.closed?.code).toBe('too_many_links');
  });

  it('ends with a binary frame, and with too many texts that are none', () => {
    const { connect } = setUp();
    const binary = connect('binary');
    binary.remote.send({ type: 'ping', n: 1 });
    expect(binary.remote.closed?.code).toBe('invalid_message');
    const noisy = connect('noisy');
    for (let i = 0; i < LIMITS.mesh1MalformedMax; i++) noisy.remote.text('null');
    expect(noisy.heard('error')).toHaveLength(LIMITS.mesh1MalformedMax);
    expect(noisy.remote.closed).toBeUndefined();
    noisy.say({ type: 'handshake', version: 1, peer_id: 'x', capabilities: {} });
    expect(noisy.remote.closed?.code).toBe('invalid_message');
  });
});

/** The wire item with another signature. */
function junk(message: Message): Uint8Array {
  const signature = message.signature.map((byte) => byte ^ 1);
  return encodeWireItem(message.bytes, signature, message.body, message.payload);
}

function authorOfText(label: string): string {
  return toBase64url(authorOf(label).publicKey);
}

describe('what a mesh/1 peer says', () => {
  it('is stored and passed on where its author signed it', () => {
    const { bench, store, connect } = setUp();
    const home = bench.connect('home', { role: 'responder', relay: true });
    const old = connect();
    old.say({ type: 'message', ...original(bench, { payload: { b: 1, a: [2] } }) });
    bench.run(10);
    expect(bodies(store)).toEqual(['hello']);
    expect(home.got('push')).toMatchObject([
      { root: '', keep: true, messages: [{ body: 'hello', isMesh1: true }] },
    ]);
    expect(links(bench)).toMatchObject([{ unverified: 0 }]);
    expect(old.bodies()).toEqual([]);
  });

  it('reaches other mesh/1 peers as it was said', () => {
    const { bench, connect } = setUp();
    const [old, other] = [connect('old'), connect('other')];
    other.say({ type: 'subscribe', channel_id: 'dev' });
    other.heard();
    const post = original(bench, { payload: { b: 1, a: [2] } });
    old.say({ type: 'message', ...post });
    bench.run(10);
    expect(other.heard('message')).toEqual([{ type: 'message', ...post }]);
    old.say({ type: 'message', ...post });
    expect(other.bodies()).toEqual([]);
  });

  it('is the message under $m2, or nothing', () => {
    const { bench, store, connect } = setUp();
    const old = connect();
    const message = bench.message('carried');
    old.carry(message, { channel_id: 'other' });
    old.carry(message, { payload: { $m2: toBase64url(message.wire.slice(1)) } });
    old.carry(message, { payload: { $m2: '' } });
    expect(bodies(store)).toEqual([]);
    old.carry(message, { body: 'something else', sender_id: 'nobody', timestamp: 'never', message_id: 'x' });
    bench.run(10);
    expect(bodies(store)).toEqual(['carried']);
  });

  it('is never a draft: none is taken from there, and none is told', () => {
    const { bench, store, connect } = setUp();
    const old = connect();
    old.say({ type: 'subscribe', channel_id: 'dev' });
    const changes = { kind: 256, expiresMs: Math.floor(bench.now.wallMs) + LIMITS.ephemeralMs };
    old.carry(bench.message('smuggled', changes));
    const leaf = bench.connect('leaf', { live: true });
    leaf.send({ type: 'ephemeral', items: [{ root: '', message: bench.message('a draft', changes) }] });
    bench.run(1000);
    expect([bodies(store), old.bodies(), bench.reports('offence')]).toEqual([[], [], []]);
    expect(bench.of('ephemeral').map(({ message }) => message.message.body)).toEqual(['a draft']);
  });

  it('is counted and left where nobody can verify it', () => {
    const { bench, store, connect } = setUp();
    const old = connect();
    const { signature: _, ...unsigned } = original(bench);
    old.say({ type: 'message', ...unsigned });
    old.say({ type: 'message', ...original(bench), sender_id: 'peer-0a1b2c3d' });
    bench.run(10);
    expect(bodies(store)).toEqual([]);
    expect(links(bench)).toMatchObject([{ unverified: 2 }]);
  });

  it('costs it rate and never the link where it is forged: it cannot know', () => {
    const { bench, store, connect } = setUp({ config: { rates: { ...NO_RATES, leafPerSecond: 50 } } });
    const old = connect();
    for (let i = 0; i < 100; i++) {
      const post = original(bench, { id: `forged-${i}` });
      old.say({ type: 'message', ...post, body: 'forged' });
    }
    bench.run(10);
    expect(bodies(store)).toEqual([]);
    expect(old.remote.closed).toBeUndefined();
    expect(bench.of('pause').length).toBeGreaterThan(0);
    old.say({ type: 'message', ...original(bench, { body: 'genuine' }) });
    expect(bodies(store)).toEqual(['genuine']);
  });

  it('is for open channels only, and the other side hears why', () => {
    const { bench, store, connect } = setUp();
    const old = connect();
    old.heard();
    const channel = 'dm:a:b';
    old.say({ type: 'subscribe', channel_id: channel });
    old.say({ type: 'sync_request', channel_id: channel, after_message_id: null, limit: 100 });
    old.say({ type: 'message', ...original(bench, { channel }) });
    old.carry(bench.message('x', { channel: '@x' }), { channel_id: `@${bench.peerId}` });
    bench.run(2000);
    const errors = old.heard('error').map(({ code, message }) => `${String(code)}: ${String(message)}`);
    expect(errors).toHaveLength(4);
    expect(errors[0]).toMatch(/^unauthorized: this peer cannot do private messages/);
    expect(errors[3]).toMatch(/open channels only/);
    expect(bench.reports('a mesh/1 peer wants private messages, which are not carried')).toHaveLength(1);
    expect(store.channels().map((row) => row.channel)).toEqual([]);
  });
});

describe('what a neighbour names', () => {
  it('is not where a mesh/1 peer is taken, and the operator’s own always finds a place', () => {
    const { bench } = setUp();
    const named = new OldPeer(bench, 'named', {}, { role: 'responder', url: 'ws://named.example:5000/' });
    expect(named.remote.closed?.code).toBe('unauthorized');
    const addresses = Array.from(
      { length: LIMITS.mesh1OutboundMax + 1 },
      (_, i) => `ws://list${i}.example:5000/`,
    );
    const learn = (urls: readonly string[], fixed: boolean) =>
      bench.event({
        ...{ kind: 'addresses', source: 'list', scope: 'public', fixed },
        addresses: urls.map((url) => ({ url, peer: '' })),
      });
    learn(addresses, false);
    const code = (url: string) => new OldPeer(bench, url, {}, { role: 'responder', url }).remote.closed?.code;
    expect(addresses.map(code)).toEqual([...addresses.slice(1).map(() => undefined), 'too_many_links']);
    learn(['ws://own.example:5000/'], true);
    expect(code('ws://own.example:5000/')).toBeUndefined();
  });
});

describe('what is said here', () => {
  it('reaches a mesh/1 peer that asked for the channel, once, and own messages count as taken', () => {
    const { bench, connect } = setUp();
    const old = connect();
    bench.publish('before');
    bench.run(10);
    expect(old.bodies()).toEqual([]);
    old.say({ type: 'subscribe', channel_id: 'dev' });
    bench.publish('after');
    bench.run(10);
    const [frame] = old.heard('message');
    expect(frame).toMatchObject({ body: 'after', channel_id: 'dev' });
    expect(bench.of('delivery').map(({ state }) => state)).toEqual(['relayed']);
    const home = bench.connect('home', { role: 'responder', relay: true });
    const message = bench.message('from elsewhere');
    home.send({ type: 'push', root: '', keep: false, messages: [message] });
    home.send({ type: 'push', root: '', keep: false, messages: [message] });
    bench.run(10);
    expect(old.heard('message')).toEqual([{ type: 'message', ...carrying(message) }]);
    old.say({ type: 'unsubscribe', channel_id: 'dev' });
    bench.publish('later');
    bench.run(10);
    expect(old.bodies()).toEqual([]);
  });

  it('reaches a mesh/1 relay in the channels that we want: others may wait behind it', () => {
    const { bench, connect } = setUp({ hello: { relay: true } });
    const old = connect();
    bench.publish('for others');
    bench.publish('elsewhere', { channel: 'ops' });
    bench.run(10);
    expect(old.bodies()).toEqual(['for others']);
    // What came from it does not go back.
    const message = bench.message('theirs');
    old.carry(message);
    bench.run(10);
    expect(old.bodies()).toEqual([]);
  });

  it('reaches a mesh/1 relay though it brought a junk signature of it first', () => {
    const { bench, store, connect } = setUp({ hello: { relay: true } });
    const old = connect();
    const home = bench.connect('home', { role: 'responder', relay: true });
    const genuine = bench.message('genuine');
    old.carry(genuine, { message_id: 'x', payload: { $m2: toBase64url(junk(genuine)) } });
    bench.run(10);
    expect(bodies(store)).toEqual([]);
    home.send({ type: 'push', root: '', keep: false, messages: [genuine] });
    bench.run(10);
    expect(old.bodies()).toEqual(['genuine']);
  });

  it('goes first where strangers want more than can be subscribed to', () => {
    const { bench, connect } = setUp({ joined: [] });
    const [old, stranger] = [connect('old'), connect('stranger')];
    for (let i = 0; i < LIMITS.mesh1ChannelsMax; i++)
      stranger.say({ type: 'subscribe', channel_id: `junk ${i}` });
    bench.run(1100);
    old.heard();
    bench.join('ours');
    bench.run(1100);
    expect(old.heard().map(({ channel_id }) => channel_id)).toContain('ours');
  });

  it('follows what is joined and left here, and what other mesh/1 peers want', () => {
    const { bench, connect } = setUp({ joined: [] });
    const [old, other] = [connect('old'), connect('other')];
    bench.join('ops');
    bench.run(1100);
    const told = (peer: OldPeer) =>
      peer.heard().map(({ type, channel_id }) => `${String(type)} ${String(channel_id)}`);
    expect(told(old)).toContain('subscribe ops');
    other.say({ type: 'subscribe', channel_id: 'dev' });
    bench.run(1100);
    expect(told(old)).toEqual(['subscribe dev']);
    expect(told(other)).not.toContain('subscribe dev');
    other.remote.hangUp();
    bench.event({ kind: 'leave', request: 99, channel: 'ops' });
    bench.run(1100);
    expect(told(old).sort()).toEqual(['unsubscribe dev', 'unsubscribe ops']);
  });

  it('a subscription is interest of ours, without a mailbox', () => {
    const { bench, connect } = setUp({ joined: [] });
    const home = bench.connect('home', { role: 'responder', relay: true });
    const old = connect();
    old.say({ type: 'subscribe', channel_id: 'dev' });
    bench.run(2000);
    const held = () => home.got('holds').flatMap(({ set }) => set.map(({ tag }) => tag));
    expect(held()).toEqual([tagOf('dev')]);
    expect(home.got('mailbox')).toEqual([]);
    old.remote.hangUp();
    bench.run(2000);
    expect(home.got('holds').at(-1)?.unset).toEqual([tagOf('dev')]);
  });
});
