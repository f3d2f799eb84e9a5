/** From an open socket to a proven peer, with everything that must not get there. */
import { describe, expect, it } from 'vitest';
import { fromBase64url, toBase64url } from '../bytes.ts';
import type { Scope } from '../contract.ts';
import { LIMITS } from '../limits.ts';
import { authorOf } from '../message/message.fixture.ts';
import { Bench } from '../peer.fixture.ts';
import type { AuthChanges, Remote } from '../remote.fixture.ts';
import { encodeFrame } from '../wire/frames.ts';

const BOTH = ['dialler', 'responder'] as const;

function refused(remote: Remote, code: string): void {
  expect(remote.isUp).toBe(false);
  expect(remote.closed?.code).toBe(code);
  expect(remote.refusal).toBe(code);
}

describe('the handshake', () => {
  it('is begun by the dialler, who says nothing more before the answer', () => {
    const bench = new Bench();
    const remote = bench.open('b', { role: 'responder' });
    bench.run(1000);
    expect(remote.texts).toHaveLength(1);
    expect(JSON.parse(remote.texts[0] as string)).toMatchObject({ type: 'handshake', peer_id: bench.peerId });
    expect(remote.frames).toEqual([]);
    remote.shake();
    expect(remote.frames.slice(0, 2).map(({ type }) => type)).toEqual(['auth', 'role']);
    expect(remote.isUp).toBe(true);
  });

  it('is awaited by the responder, who answers with text and proof', () => {
    const bench = new Bench();
    const remote = bench.open('b', { role: 'dialler' });
    bench.run(1000);
    expect([remote.texts, remote.frames]).toEqual([[], []]);
    remote.sayHandshake();
    expect(remote.texts).toHaveLength(1);
    expect(remote.frames.map(({ type }) => type)).toEqual(['auth']);
    expect(remote.isUp).toBe(false);
    remote.send(remote.authFrame());
    expect(remote.isUp).toBe(true);
  });

  it('proves our id over both texts, the instance and the URL, and a responder names none', () => {
    const bench = new Bench();
    const there = bench.connect('b', { role: 'responder', url: 'ws://b.example:1/' });
    const [proof] = there.got('auth');
    const expected = { signer: bench.key, role: 'dialler', instance: new Uint8Array(8).fill(1) } as const;
    expect(proof).toEqual(there.authFrame({ ...expected, url: 'ws://b.example:1/' }));
    const here = bench.connect('c', { role: 'dialler' });
    expect(here.got('auth')).toEqual([here.authFrame({ ...expected, role: 'responder', url: '' })]);
  });

  it('tells the session keys apart by the transcript and agrees on them once per link', () => {
    const bench = new Bench();
    for (const name of ['b', 'c']) bench.connect(name);
    const agreed = bench.of('agree');
    expect(agreed.map(({ link }) => link)).toEqual([1, 2]);
    expect(agreed[0]?.transcript).not.toEqual(agreed[1]?.transcript);
    expect(agreed.every(({ transcript, publicKey }) => transcript.length + publicKey.length === 64)).toBe(
      true,
    );
  });

  it.each(BOTH)('refuses what is not signed as it must be, from a %s', (role) => {
    const bench = new Bench();
    const other = new Bench();
    const elsewhere = other.open('victim', { role });
    elsewhere.sayHandshake();
    const lies: Record<string, (remote: Remote) => AuthChanges> = {
      'another key': () => ({ signer: authorOf('mallory') }),
      'our own proof sent back': () => ({ role: role === 'dialler' ? 'responder' : 'dialler' }),
      'another role': () => ({
        role: role === 'dialler' ? 'responder' : 'dialler',
        signer: authorOf('victim'),
      }),
      'another purpose': () => ({ purpose: 'peer record' }),
      'another network': () => ({ network: 'elsewhere' }),
      'texts of another link': () => ({ texts: [elsewhere.ownText, elsewhere.texts[0] ?? ''] }),
      'texts in the wrong order': (remote) =>
        ({
          texts: role === 'dialler' ? [remote.texts[0], remote.ownText] : [remote.ownText, remote.texts[0]],
        }) as AuthChanges,
      'a text that was altered on the way': (remote) =>
        ({
          texts:
            role === 'dialler'
              ? [`${remote.ownText} `, remote.texts[0]]
              : [remote.texts[0], `${remote.ownText} `],
        }) as AuthChanges,
      ...(role === 'dialler' && { 'another URL': () => ({ signedUrl: 'ws://elsewhere.example/' }) }),
    };
    for (const [lie, changes] of Object.entries(lies)) {
      const remote = bench.open('victim', { role });
      remote.sayHandshake();
      remote.send(remote.authFrame(changes(remote)));
      expect(remote.isUp, lie).toBe(false);
      refused(remote, 'unauthorized');
    }
    expect(bench.connect('victim', { role }).isUp).toBe(true);
  });

  it('refuses a proof that was taken from another link of the same peer', () => {
    const bench = new Bench();
    const first = bench.open('b');
    first.sayHandshake();
    const proof = first.authFrame();
    first.send(proof);
    expect(first.isUp).toBe(true);
    const second = bench.open('b');
    second.text(first.ownText);
    second.send(proof);
    refused(second, 'unauthorized');
    expect(first.isUp).toBe(true);
  });

  it('refuses one whose instance number was changed', () => {
    const bench = new Bench();
    const remote = bench.open('b');
    remote.sayHandshake();
    const proof = remote.authFrame();
    remote.send({ ...proof, instance: new Uint8Array(8) } as typeof proof);
    refused(remote, 'unauthorized');
  });

  it('refuses a responder that names a URL', () => {
    const remote = new Bench().open('b', { role: 'responder' });
    remote.sayHandshake();
    remote.send(remote.authFrame({ url: 'ws://b.example/' }));
    refused(remote, 'invalid_message');
  });

  it.each([
    ['the neutral point', `01${'00'.repeat(31)}`],
    ['zero', '00'.repeat(32)],
    ['a point of order eight', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
    ['a y that is not canonical', `f0${'ff'.repeat(30)}7f`],
  ])('refuses an id that is no usable key: %s', (_, hex) => {
    const remote = new Bench().open('b');
    const peer = toBase64url(Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
    remote.sayHandshake({ peer });
    refused(remote, 'unauthorized');
  });

  it('refuses an ephemeral key of small order', () => {
    const bench = new Bench();
    bench.agreement = { ok: false, code: 'unauthorized', detail: 'ephemeral key of small order' };
    const remote = bench.open('b');
    remote.shake();
    refused(remote, 'unauthorized');
  });

  it.each(BOTH)('refuses another network, as a text that says so, from a %s', (role) => {
    const remote = new Bench().open('b', { role });
    remote.sayHandshake({ network: 'elsewhere' });
    refused(remote, 'wrong_network');
    expect(remote.frames).toEqual([]);
  });

  it.each(BOTH)('refuses its own id, from a %s', (role) => {
    const bench = new Bench();
    const remote = bench.open('b', { role });
    remote.sayHandshake({ peer: bench.peerId });
    refused(remote, 'self_link');
  });

  it('refuses its own nonce, whatever id comes with it', () => {
    const bench = new Bench();
    const out = bench.open('b', { role: 'responder' });
    const own = JSON.parse(out.texts[0] as string).capabilities.mesh.nonce as string;
    const back = bench.open('c');
    back.sayHandshake({ nonce: fromBase64url(own) as Uint8Array });
    refused(back, 'self_link');
  });
});

describe('a peer with a public URL', () => {
  const publicUrl = 'wss://relay.example/';
  const shake = (url: string, scope: Scope): Remote => {
    const remote = new Bench({ config: { publicUrl } }).open('b', { url, scope });
    remote.shake();
    return remote;
  };

  it('takes a dialler who meant that URL, wherever it comes from', () => {
    for (const scope of ['loopback', 'private', 'public'] as const)
      expect(shake(publicUrl, scope).isUp, scope).toBe(true);
  });

  it.each([
    'wss://mallory.example/',
    'ws://relay.example/',
    'wss://relay.example:8443/',
    'wss://relay.example/x',
    'wss://relay.example.mallory.example/',
    'ws://192.168.0.5:5000/',
    '',
  ])('refuses one who meant "%s", and says where to dial', (url) => {
    for (const scope of ['loopback', 'private', 'public'] as const) {
      const remote = shake(url, scope);
      refused(remote, 'unauthorized');
      expect(remote.closed?.detail).toBe(`dial ${publicUrl}, and no other URL`);
    }
  });

  it.each([
    'ws://127.0.0.1:5000/',
    'ws://127.8.9.10/',
    'ws://localhost:5000/',
    'ws://mesh.localhost/',
    'ws://[::1]:5000/',
  ])('takes one who meant its own host, %s, but only from this host', (url) => {
    expect(shake(url, 'loopback').isUp).toBe(true);
    for (const scope of ['private', 'public'] as const) refused(shake(url, scope), 'unauthorized');
  });

  it.each([
    'ws://127.0.0.1.example/',
    'ws://localhost.example/',
    'ws://notlocalhost/',
    'ws://127.0.0.1@mallory.example/',
    'ws://127.0.0.1:1@mallory.example/',
    'ws://mallory.example/.localhost/',
    'ws://mallory.example?.localhost/',
    'http://127.0.0.1/',
    'ws://10.0.0.1/',
  ])('takes %s for no host of its own', (url) => {
    refused(shake(url, 'loopback'), 'unauthorized');
  });

  it('still wants the URL signed: one that is only claimed proves nothing', () => {
    const remote = new Bench({ config: { publicUrl } }).open('b', { url: publicUrl, scope: 'public' });
    remote.sayHandshake();
    remote.send(remote.authFrame({ signedUrl: 'wss://mallory.example/' }));
    refused(remote, 'unauthorized');
  });

  it('dials others as before', () => {
    const bench = new Bench({ config: { publicUrl } });
    expect(bench.connect('b', { role: 'responder', url: 'ws://b.example:1/' }).isUp).toBe(true);
  });
});

describe('a link that is not proven', () => {
  it.each([
    ['a ping', (remote: Remote) => remote.send({ type: 'ping', n: 1 })],
    ['a proof', (remote: Remote) => remote.send(remote.authFrame())],
    ['noise', (remote: Remote) => remote.bytes(new Uint8Array(100).fill(255))],
    ['nothing at all in a frame', (remote: Remote) => remote.bytes(new Uint8Array(0))],
  ])('is closed by %s before the handshake', (_, send) => {
    const remote = new Bench().open('b');
    send(remote);
    refused(remote, 'invalid_message');
  });

  it.each([
    ['a ping', encodeFrame({ type: 'ping', n: 1 })],
    ['a frame that is too large', new Uint8Array(2000)],
  ])('is closed by %s where the proof is due', (_, bytes) => {
    const remote = new Bench().open('b');
    remote.sayHandshake();
    remote.bytes(bytes);
    refused(remote, 'invalid_message');
  });

  it('is closed by a second handshake', () => {
    const remote = new Bench().open('b');
    remote.sayHandshake();
    remote.sayHandshake();
    refused(remote, 'invalid_message');
  });

  it('is closed by text that is no handshake, with the code of what is wrong', () => {
    const bench = new Bench();
    for (const [text, code] of [
      ['null', 'invalid_message'],
      ['{"type":"message","body":{}}', 'invalid_message'],
      ['{"type":"handshake","version":1,"peer_id":"x"}', 'unsupported_version'],
    ] as const) {
      const remote = bench.open('b');
      remote.text(text);
      refused(remote, code);
    }
  });

  it('is closed after five seconds, however far it has come', () => {
    const bench = new Bench();
    const silent = bench.open('b');
    const half = bench.open('c');
    half.sayHandshake();
    bench.run(LIMITS.handshakeMs);
    expect([silent.closed, half.closed]).toEqual([undefined, undefined]);
    bench.run(1001);
    refused(silent, 'handshake_timeout');
    refused(half, 'handshake_timeout');
  });

  it('may send its first frames while its proof is being verified: they are handled once that holds', () => {
    const bench = new Bench();
    const remote = bench.open('b');
    bench.hold('verify');
    remote.sayHandshake();
    remote.send(remote.authFrame());
    remote.send({ type: 'role', relay: true, live: true });
    remote.send({ type: 'ping', n: 77 });
    expect(remote.closed).toBeUndefined();
    expect(remote.got('pong')).toEqual([]);
    bench.release('verify');
    expect(remote.isUp).toBe(true);
    expect(remote.got('pong')).toEqual([{ type: 'pong', n: 77 }]);
  });

  it('cannot make us keep much while its proof is being verified', () => {
    const bench = new Bench();
    bench.hold('verify');
    for (const size of [10, 100_000]) {
      const remote = bench.open(`b ${size}`);
      remote.shake();
      for (let i = 0; i < LIMITS.earlyFramesMax + 1 && !remote.closed; i++)
        remote.bytes(new Uint8Array(size));
      refused(remote, 'invalid_message');
    }
  });

  it('handles nothing of what came early if the proof turns out wrong', () => {
    const bench = new Bench();
    bench.hold('verify');
    const remote = bench.open('b');
    remote.sayHandshake();
    remote.send(remote.authFrame({ signer: authorOf('mallory') }));
    remote.send({ type: 'ping', n: 1 });
    bench.release('verify');
    refused(remote, 'unauthorized');
    expect(remote.got('pong')).toEqual([]);
  });

  it('sends nothing of ours before our own proof, even if signing takes longer than verifying', () => {
    const bench = new Bench();
    bench.hold('sign');
    const remote = bench.open('b');
    remote.sayHandshake();
    remote.send({ ...remote.authFrame() });
    expect(remote.frames).toEqual([]);
    bench.release('sign');
    expect(remote.frames[0]?.type).toBe('auth');
    expect(remote.isUp).toBe(true);
  });

  it('is forgotten when it closes at any step, and answers that come later change nothing', () => {
    for (const answer of ['sign', 'verify', 'agree'] as const) {
      const bench = new Bench();
      bench.hold(answer);
      const remote = bench.open('b');
      remote.sayHandshake();
      remote.send(remote.authFrame());
      remote.hangUp();
      bench.release(answer);
      bench.run(10_000);
      expect(remote.isUp).toBe(false);
      expect(bench.reports('link up')).toEqual([]);
    }
  });

  it('is let go without an answer where the other side refuses us, and says its words', () => {
    const bench = new Bench();
    const remote = bench.open('b', { role: 'responder' });
    remote.text('{"type":"error","code":"too_many_links","message":"come back later"}');
    expect(remote.closed).toBeDefined();
    expect(remote.refusal).toBe('');
    expect(bench.reports('link refused')).toMatchObject([
      { data: { reason: 'the other side: come back later' } },
    ]);
  });

  it('counts among the links that fit: the 273rd is refused', () => {
    const bench = new Bench();
    for (let i = 0; i < LIMITS.linksMax; i++) bench.open(`b${i % 3}`);
    const over = bench.open('c');
    refused(over, 'too_many_links');
    expect(bench.remotes.filter(({ closed }) => closed)).toEqual([over]);
    bench.remotes[0]?.hangUp();
    expect(bench.connect('d').isUp).toBe(true);
  });
});
