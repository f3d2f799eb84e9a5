/**
 * Local discovery between real daemons. They listen on 127.0.0.1 and speak on loopback, with the real socket and the
 * real library. Where this machine has no multicast on loopback the daemons have to say so or hear nothing, and to go
 * on; how findings are made then is tested on a network in memory in `src/net/local`.
 */
import dgram from 'node:dgram';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatusJson } from '../api/client/index.ts';
import { openPacketSocket } from '../net/local/open-socket.ts';
import { MDNS_GROUP, MDNS_PORT, type PacketSocket } from '../net/local/packet-door.ts';
import { servicePacket } from '../net/testing/packet-wire.ts';
import { MeshProcess } from './testing/mesh-process.ts';
import { Choices } from './testing/random.ts';
import { until } from './testing/wait.ts';

const LO = { name: 'lo', address: '127.0.0.1', prefixBits: 8, scope: 'loopback' } as const;
/** A probe on loopback comes back at once or never. */
const PROBE_MS = 2000;

let socket: PacketSocket | undefined;
let hasMulticast = false;

/** Whether a packet to the group comes back to a socket like the daemon's. */
async function probe(to: PacketSocket): Promise<boolean> {
  const text = Buffer.from(`probe ${process.pid}`);
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(false), PROBE_MS);
    to.on('message', (packet: Buffer) => {
      if (!packet.equals(text)) return;
      clearTimeout(late);
      resolve(true);
    });
    to.send(text, 0, text.length, MDNS_PORT, MDNS_GROUP, (error) => {
      if (error !== null) resolve(false);
    });
  });
}

beforeAll(async () => {
  socket = await openPacketSocket(LO).catch(() => undefined);
  hasMulticast = socket !== undefined && (await probe(socket));
});
afterAll(() => socket?.close());

/** A network of its own for each test: other tests of this machine share the group. */
let networks = 0;
function network(): Record<string, string> {
  return { MESH_NETWORK: `local-${process.pid}-${networks++}`, MESH_LOCAL_DISCOVERY: 'on' };
}

async function localOf(mesh: MeshProcess): Promise<StatusJson['localDiscovery']> {
  return (await mesh.client.status()).localDiscovery;
}

const hasLooked = (mesh: MeshProcess) =>
  until('local discovery has looked', async () => {
    const local = await localOf(mesh);
    return local.state !== 'starting' && local;
  });

describe('two daemons on one local network', () => {
  it('find each other without a list, prove it by a dial, talk, and notice who leaves', async () => {
    const env = network();
    const [a, b] = await Promise.all([MeshProcess.start({ env }), MeshProcess.start({ env })]);
    if (!hasMulticast) {
      for (const mesh of [a, b]) {
        const { state, reason } = await hasLooked(mesh);
        if (state === 'failed') expect(reason).toMatch(/multicast DNS does not work on lo/);
        else expect(state).toBe('on');
        await mesh.client.publish({ channel: 'lobby', body: 'alive' });
      }
      return;
    }
    // Both dial, and one of the two links stays.
    for (const [mesh, other] of [
      [a, b],
      [b, a],
    ] as const)
      await until('it is linked with the other', async () => {
        const [{ links }, { addresses }] = await Promise.all([mesh.client.status(), mesh.client.peers()]);
        const [found] = addresses;
        if (found === undefined || found.state !== 'linked') return false;
        expect(addresses).toMatchObject([{ url: `${other.url}/`, source: 'local network' }]);
        return links.length === 1;
      });
    expect(await localOf(a)).toEqual({
      ...{ mode: 'on', state: 'on', reason: '', addresses: ['127.0.0.1'], peers: 1 },
    });
    await a.client.publish({ channel: 'lobby', body: 'hello over there' });
    await until('it arrives', async () =>
      (await b.client.messages({ channel: 'lobby', limit: 10 })).some(
        ({ body }) => body === 'hello over there',
      ),
    );
    expect(await b.stop()).toEqual({ code: 0, signal: null });
    await until('the farewell is heard', async () => (await localOf(a)).peers === 0);
  });

  it('do not find each other if their networks have different names', async () => {
    const [a, b] = await Promise.all([
      MeshProcess.start({ env: network() }),
      MeshProcess.start({ env: network() }),
    ]);
    // A third one, which is of the network of B, is found: then A would have been as well.
    const env = { MESH_NETWORK: (await b.client.status()).network, MESH_LOCAL_DISCOVERY: 'on' };
    const c = await MeshProcess.start({ env });
    if (hasMulticast)
      await until('B and C are linked', async () => (await b.client.status()).links.length > 0);
    expect((await a.client.peers()).addresses).toEqual([]);
    expect((await a.client.status()).links).toEqual([]);
    await c.mesh('status');
  });
});

it('a daemon that listens on loopback only is not announced unless that is asked for', async () => {
  const mesh = await MeshProcess.start();
  expect(await hasLooked(mesh)).toMatchObject({ mode: 'auto', state: 'off', addresses: [] });
  const [finding] = (await mesh.mesh('doctor')).filter(
    (line) => (line as { check: string }).check === 'local-network',
  );
  expect(finding).toMatchObject({ state: 'ok', what: expect.stringMatching(/is off: .*this machine only/) });
});

it('a daemon takes no harm from garbage, nor from announcements that lead nowhere', async () => {
  const env = network();
  const mesh = await MeshProcess.start({ env });
  await hasLooked(mesh);
  // Sent to the port itself as well, so that it arrives where there is no multicast; which socket gets it is chance then.
  const sender = dgram.createSocket('udp4');
  const say = (packet: Buffer) =>
    Promise.all(
      [MDNS_GROUP, '127.0.0.1'].map(
        (to) =>
          new Promise<void>((resolve) => {
            const from = to === MDNS_GROUP && socket !== undefined ? socket : sender;
            from.send(packet, 0, packet.length, MDNS_PORT, to, () => resolve());
          }),
      ),
    );
  const random = new Choices('garbage on the local network');
  const peer = 'A'.repeat(43);
  const text = ['v=2', `net=${env.MESH_NETWORK}`, `peer=${peer}`];
  let sent = 0;
  const sayMuch = async (): Promise<void> => {
    for (const end = sent + 40; sent < end; sent++) {
      const genuine = servicePacket({ name: `x${sent}`, port: 1 + (sent % 65_535), text });
      for (let changes = sent % 4; changes > 0; changes--)
        genuine[random.between(0, genuine.length - 1)] = random.between(0, 255);
      await say(genuine);
      await say(random.bytes(random.between(0, 300)));
    }
  };
  // Nothing is heard in its first second.
  await until('it has heard much, and of the peer that is not there', async () => {
    await sayMuch();
    const { addresses } = await mesh.client.peers();
    return sent >= 400 && (!hasMulticast || addresses.some((address) => address.peer === peer));
  });
  sender.close();
  const { addresses } = await mesh.client.peers();
  for (const { url } of addresses) expect(url).toMatch(/^ws:\/\/127\.0\.0\.1(?::\d+)?\/$/);
  await mesh.client.publish({ channel: 'lobby', body: 'still alive' });
  expect(await mesh.stop()).toEqual({ code: 0, signal: null });
});
