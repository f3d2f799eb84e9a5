/** Who somebody is: handshakes that claim, replay, do not finish or belong elsewhere, against one daemon. */
import net from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toBase64url } from '../core/bytes.ts';
import { LIMITS } from '../core/limits.ts';
import { createSigner, generatePrivateKey } from '../crypto/index.ts';
import { MeshProcess } from './testing/mesh-process.ts';
import { type AuthKnobs, type HandshakeKnobs, RawPeer } from './testing/raw-peer.ts';
import { until } from './testing/wait.ts';

let mesh: MeshProcess;
let victim: RawPeer;
let own = '';
const peers: RawPeer[] = [];

beforeAll(async () => {
  mesh = await MeshProcess.start();
  victim = await RawPeer.link(mesh);
  own = (await mesh.client.status()).peer;
});
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close();
  await victim.settle();
  expect(victim.errors).toEqual([]);
  await until('only the victim is linked', async () => (await mesh.linked()).join() === victim.id);
});

/** Handshake and auth with these knobs. @returns the peer once it is refused */
async function refused(handshake: HandshakeKnobs, auth: AuthKnobs = {}): Promise<RawPeer> {
  const peer = await RawPeer.connect(mesh);
  peers.push(peer);
  await peer.greet(handshake);
  if (peer.closed === undefined) peer.send(peer.auth(auth));
  await peer.end();
  return peer;
}

/** A handshake with other fields in `capabilities.mesh`, or elsewhere. */
async function refusedText(change: (fields: Record<string, unknown>) => unknown): Promise<RawPeer> {
  const peer = await RawPeer.connect(mesh);
  peers.push(peer);
  const fields = JSON.parse(peer.handshake()) as Record<string, unknown>;
  peer.sendText(JSON.stringify(change(fields) ?? fields));
  await peer.end();
  return peer;
}

function expectRefused(peer: RawPeer, code: string): void {
  expect(peer.errors).toEqual([code]);
  expect(peer.closed?.reason).toMatch(new RegExp(`^${code}`));
  expect(peer.all('role')).toEqual([]);
}

describe('a link is refused as unauthorized', () => {
  it('where the handshake claims the id of somebody else', async () => {
    expectRefused(await refused({ peer: victim.id }), 'unauthorized');
  });

  it('where the id is our own but another key signed', async () => {
    expectRefused(await refused({}, { signer: createSigner(generatePrivateKey()) }), 'unauthorized');
  });

  it('where the auth is one that was good on another link', async () => {
    const first = await RawPeer.link(mesh);
    peers.push(first);
    const good = first.auth();
    const second = await RawPeer.connect(mesh);
    peers.push(second);
    second.sendText(first.ownText); // the same text to the letter: the other side's nonce makes the difference
    await until('the handshake is answered', () => second.texts.length > 0);
    second.send(good);
    await second.end();
    expectRefused(second, 'unauthorized');
    expect(await mesh.linked()).toContain(first.id);
  });

  it('where the daemon gets its own auth back', async () => {
    const peer = await RawPeer.connect(mesh);
    peers.push(peer);
    await peer.greet();
    peer.send(await peer.next('auth'));
    await peer.end();
    expectRefused(peer, 'unauthorized');
  });

  it.each<[string, AuthKnobs]>([
    ['for the other role', { role: 'responder' }],
    ['for another network', { network: 'elsewhere' }],
    ['for another URL than the one in the frame', { signedUrl: 'ws://127.0.0.1:1/' }],
    ['for other handshake texts', { texts: ['{}', '{}'] }],
  ])('where the auth was signed %s', async (_, knobs) => {
    expectRefused(await refused({}, knobs), 'unauthorized');
  });

  it.each([
    ['of small order', toBase64url(Uint8Array.of(1, ...new Uint8Array(31)))],
    ['no point that is spelt as it should be', toBase64url(new Uint8Array(32).fill(0xff))],
    ['of 31 bytes', toBase64url(new Uint8Array(31).fill(7))],
    ['spelt in a second way', 'A'.repeat(42) + 'B'],
  ])('where the id is %s', async (_, peer) => {
    expectRefused(await refused({ peer }), 'unauthorized');
  });

  it('where the ephemeral key is of small order', async () => {
    expectRefused(await refused({ ephemeral: new Uint8Array(32) }), 'unauthorized');
  });
});

describe('a link is refused', () => {
  it('with self_link where the id is that of the daemon', async () => {
    expectRefused(await refused({ peer: own }), 'self_link');
  });

  it('with wrong_network where the network is another', async () => {
    expectRefused(await refused({ network: 'elsewhere' }), 'wrong_network');
  });

  it('with unsupported_version where the peer speaks neither mesh/2 nor mesh/1', async () => {
    expectRefused(await refusedText((fields) => ({ ...fields, version: 2 })), 'unsupported_version');
    const versions = (fields: Record<string, unknown>) => {
      (fields.capabilities as { mesh: Record<string, unknown> }).mesh.versions = [3, '2'];
    };
    expectRefused(await refusedText(versions), 'unsupported_version');
  });

  it.each(['network', 'nonce', 'key'])(
    'with invalid_message where %s is missing or of another type',
    async (name) => {
      for (const value of [undefined, null, {}, [], 5, 'x'.repeat(5000)]) {
        const peer = await refusedText((fields) => {
          (fields.capabilities as { mesh: Record<string, unknown> }).mesh[name] = value;
        });
        const isName = name === 'network' && typeof value === 'string';
        expectRefused(peer, isName ? 'wrong_network' : 'invalid_message');
      }
    },
  );
});

describe('a link that does not get anywhere', () => {
  /** Raw TCP: what it said, and when it ended. */
  function connectTcp(first: string): { readonly socket: net.Socket; isClosed: () => boolean } {
    const socket = net.connect(mesh.port, '127.0.0.1', () => socket.write(first));
    let closed = false;
    socket.on('error', () => undefined); // its end is what is looked at
    socket.on('data', () => undefined);
    socket.once('close', () => {
      closed = true;
    });
    return { socket, isClosed: () => closed };
  }

  it('is ended in its time: no upgrade, no handshake, no auth, one byte now and then, and no answer to pings', async () => {
    const silent = connectTcp('');
    const slow = connectTcp('GET / HTTP/1.1\r\n');
    const opened = await RawPeer.connect(mesh);
    const greeted = await RawPeer.connect(mesh);
    const dead = await RawPeer.link(mesh); // half open: its other end lives, reads nothing and says nothing
    peers.push(opened, greeted, dead);
    await greeted.greet();
    dead.answersPings = false;
    dead.send({ type: 'role', relay: false, live: true });
    await until('the slow one is ended too', () => {
      slow.socket.write('x');
      return silent.isClosed() && slow.isClosed();
    });
    await Promise.all([opened.end(), greeted.end(), dead.end()]);
    for (const peer of [opened, greeted]) expectRefused(peer, 'handshake_timeout');
    expect(dead.errors).toEqual(['timed_out']);
    const lines = await mesh.logged('silence', ({ code }) => code === 'timed_out');
    expect(lines).toHaveLength(1);
    // Two ping periods of a live link are 2 s; it counts as down after 3, seen at the next tick of a second.
    const silentMs = Number(/^silent for (\d+) ms$/.exec(String(lines[0]?.reason))?.[1]);
    expect(silentMs).toBeGreaterThan(LIMITS.silenceFastMs);
    expect(silentMs).toBeLessThan(LIMITS.silenceFastMs + 2000);
  });
});
