/** Local discovery with the real library, on networks in memory: no multicast is needed. */
import type { NetworkInterfaceInfo } from 'node:os';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { toBase64url } from '../../core/bytes.ts';
import { NET_LIMITS } from '../net-limits.ts';
import { answerPacket, PacketWire, questionPacket, servicePacket } from '../testing/packet-wire.ts';
import type { LocalFinding } from './announcement.ts';
import { LocalDiscovery, type LocalDiscoveryOptions, type LocalDiscoveryState } from './discovery.ts';

const peerId = (n: number): string => toBase64url(new Uint8Array(32).fill(n));
const TYPE_NAME = '_openclaw-mesh._tcp.local';
/** The library's probes and the first question are over by then. */
const SETTLED_MS = 1500;
/** Until the next look, which waits for what the one before had to close. */
const SCAN_MS = NET_LIMITS.localScanMs + 100;
/** The library says an announcement again after 3, 9, 27 s and so on; this is longer than the first few. */
const MINUTE_MS = 60_000;

function ipv4(address: string, mac = '02:00:00:00:00:01'): NetworkInterfaceInfo {
  return { address, family: 'IPv4', netmask: '', internal: false, mac, cidr: `${address}/24` };
}

interface Machine {
  readonly discovery: LocalDiscovery;
  readonly found: LocalFinding[];
  readonly told: LocalDiscoveryState[];
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>;
}

const machines: Machine[] = [];

function machine(
  wire: PacketWire,
  n: number,
  options: Partial<LocalDiscoveryOptions> & { readonly network?: string } = {},
): Machine {
  const found: LocalFinding[] = [];
  const told: LocalDiscoveryState[] = [];
  const { network = 'openclaw', ...rest } = options;
  const discovery = new LocalDiscovery({
    mode: 'auto',
    own: { network, peer: peerId(n), port: 5000 + n },
    listensOn: '0.0.0.0',
    publicUrl: '',
    isHosted: false,
    isContainer: false,
    onFound: (finding) => found.push(finding),
    onChange: (state) => told.push(state),
    interfaces: () => made.interfaces,
    open: wire.open,
    monotonicMs: Date.now, // the fake clock
    ...rest,
  });
  const made: Machine = { discovery, found, told, interfaces: { eth0: [ipv4(`192.168.1.${n}`)] } };
  machines.push(made);
  return made;
}

const run = (ms = SETTLED_MS) => vi.advanceTimersByTimeAsync(ms);

/** Fake timers move on while it closes. */
async function stop({ discovery }: Machine): Promise<void> {
  const stopped = discovery.stop();
  await run(10);
  await stopped;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(async () => {
  for (const made of machines.splice(0)) await stop(made);
  // Timers of the library are left, the longest waits for less than an hour; nothing comes of them.
  await run(60 * MINUTE_MS);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('two daemons on one local network', () => {
  it('find each other, at the addresses that their packets come from', async () => {
    const wire = new PacketWire();
    const [a, b] = [machine(wire, 1), machine(wire, 2)];
    expect(a.discovery.state).toMatchObject({ state: 'starting', addresses: [], peers: 0 });
    await Promise.all([a.discovery.start(), b.discovery.start()]);
    await run();
    expect(new Set(a.found.map(({ url }) => url))).toEqual(new Set(['ws://192.168.1.2:5002/']));
    expect(a.found[0]).toEqual({ url: 'ws://192.168.1.2:5002/', peer: peerId(2), scope: 'private' });
    expect(b.found[0]).toEqual({ url: 'ws://192.168.1.1:5001/', peer: peerId(1), scope: 'private' });
    expect(a.discovery.state).toEqual({
      ...{ mode: 'auto', state: 'on', reason: '', addresses: ['192.168.1.1'], peers: 1 },
    });
    expect(a.told).toHaveLength(1);
    expect(new Set(wire.packets.map(({ to }) => to))).toEqual(new Set(['224.0.0.251:5353']));
  });

  it('do not find each other if their networks have different names', async () => {
    const wire = new PacketWire();
    const [a, b] = [machine(wire, 1), machine(wire, 2, { network: 'other' })];
    await Promise.all([a.discovery.start(), b.discovery.start()]);
    await run(MINUTE_MS);
    expect([...a.found, ...b.found]).toEqual([]);
    expect(a.discovery.state.peers).toBe(0);
  });

  it('say goodbye, and are found again when they come back', async () => {
    const wire = new PacketWire();
    const [a, b] = [machine(wire, 1), machine(wire, 2)];
    await Promise.all([a.discovery.start(), b.discovery.start()]);
    await run();
    await stop(b);
    await run(10);
    expect(a.discovery.state.peers).toBe(0);
    expect(wire.sockets[1]?.isClosed).toBe(true);
    a.found.length = 0;
    await machine(wire, 2).discovery.start();
    await run();
    expect(a.found.map(({ peer }) => peer)).toContain(peerId(2));
  });

  it('find each other even if the announcements were lost, because they ask again', async () => {
    const wire = new PacketWire();
    const b = machine(wire, 2);
    await b.discovery.start();
    await run();
    const [socketB] = wire.sockets;
    if (socketB !== undefined) socketB.failure = new Error('lost');
    const a = machine(wire, 1);
    await a.discovery.start();
    await run();
    expect(a.found).toEqual([]);
    if (socketB !== undefined) socketB.failure = undefined;
    await run(SCAN_MS);
    expect(a.found.map(({ peer }) => peer)).toContain(peerId(2));
  });

  it('tell neither the name of the machine nor addresses of other interfaces', async () => {
    const wire = new PacketWire();
    const a = machine(wire, 1);
    a.interfaces = { ...a.interfaces, tun0: [ipv4('10.8.0.9', '00:00:00:00:00:00')] };
    await a.discovery.start();
    await run(MINUTE_MS);
    const sent = Buffer.concat(wire.packets.map(({ packet }) => packet));
    expect(sent.includes(Buffer.of(192, 168, 1, 1))).toBe(true);
    expect(sent.includes(Buffer.of(10, 8, 0, 9))).toBe(false);
    expect(sent.includes((await import('node:os')).hostname())).toBe(false);
  });
});

describe('what the machine looks like', () => {
  it('is looked at again: discovery follows interfaces, and ends where a public address appears', async () => {
    const wire = new PacketWire();
    const a = machine(wire, 1);
    a.interfaces = {};
    await a.discovery.start();
    expect(a.discovery.state).toMatchObject({
      state: 'off',
      reason: expect.stringContaining('no interface'),
    });
    a.interfaces = { eth0: [ipv4('192.168.1.1')], wlan0: [ipv4('10.0.0.1')] };
    await run(SCAN_MS);
    expect(a.discovery.state).toMatchObject({ state: 'on', addresses: ['192.168.1.1', '10.0.0.1'] });
    a.interfaces = { wlan0: [ipv4('10.0.0.1')] };
    await run(SCAN_MS);
    expect(a.discovery.state.addresses).toEqual(['10.0.0.1']);
    a.interfaces = { wlan0: [ipv4('10.0.0.1')], eth0: [ipv4('8.8.8.8')] };
    await run(SCAN_MS);
    expect(a.discovery.state).toMatchObject({ state: 'off', addresses: [] });
    expect(wire.sockets.every(({ isClosed }) => isClosed)).toBe(true);
    expect(a.told.map(({ state }) => state)).toEqual(['off', 'on', 'on', 'off']);
  });

  it('is not looked at if it is switched off', async () => {
    const wire = new PacketWire();
    const interfaces = vi.fn(() => ({}));
    const a = machine(wire, 1, { mode: 'off', interfaces });
    await a.discovery.start();
    await run(MINUTE_MS);
    expect(interfaces).not.toHaveBeenCalled();
    expect(a.told).toMatchObject([{ state: 'off', reason: 'MESH_LOCAL_DISCOVERY says so' }]);
  });

  it('may be impossible to look at, which is told once and tried again', async () => {
    const a = machine(new PacketWire(), 1, {
      interfaces: () => {
        if (vi.getMockedSystemTime() === null || Date.now() - begunMs < MINUTE_MS)
          throw new Error('EAFNOSUPPORT');
        return { eth0: [ipv4('192.168.1.1')] };
      },
    });
    const begunMs = Date.now();
    await a.discovery.start();
    expect(a.told).toMatchObject([{ state: 'failed', reason: expect.stringContaining('EAFNOSUPPORT') }]);
    await run(MINUTE_MS + SCAN_MS);
    expect(a.told.map(({ state }) => state)).toEqual(['failed', 'on']);
  });
});

describe('a network without multicast', () => {
  const error = (code: string) => Object.assign(new Error(`bind ${code} 0.0.0.0:5353`), { code });

  it.each([
    ['EADDRINUSE', /another program holds UDP port 5353/],
    ['EACCES', /firewall/],
    ['ENODEV', /no part in multicast/],
    ['ENETUNREACH', /no way leads/],
    ['EWHATEVER', /what the system says/],
  ])('is told once with what to do (%s), and tried again', async (code, advice) => {
    const wire = new PacketWire();
    let tries = 0;
    const a = machine(wire, 1, {
      open: async (at) => {
        if (++tries <= 3) throw error(code);
        return wire.open(at);
      },
    });
    await a.discovery.start();
    await run(3 * SCAN_MS);
    expect(tries).toBe(4);
    expect(a.told.map(({ state }) => state)).toEqual(['failed', 'on']);
    expect(a.told[0]?.reason).toMatch(advice);
    expect(a.told[0]?.reason).toMatch(/eth0 \(192\.168\.1\.1\).*MESH_LOCAL_DISCOVERY=off/);
  });

  it('leaves the other interfaces working', async () => {
    const wire = new PacketWire();
    const a = machine(wire, 1, {
      open: async (at) => {
        if (at.name === 'bad0') throw error('ENODEV');
        return wire.open(at);
      },
    });
    a.interfaces = { ...a.interfaces, bad0: [ipv4('10.0.0.1')] };
    await a.discovery.start();
    expect(a.discovery.state).toMatchObject({
      ...{ state: 'on', addresses: ['192.168.1.1'], reason: expect.stringContaining('bad0') },
    });
  });

  it('may appear while it runs: what cannot be sent is told, and forgotten once it can be', async () => {
    const wire = new PacketWire();
    const a = machine(wire, 1);
    await a.discovery.start();
    await run();
    const [socket] = wire.sockets;
    if (socket !== undefined) socket.failure = error('ENETUNREACH');
    await run(MINUTE_MS);
    expect(a.discovery.state).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/no way leads/),
    });
    if (socket !== undefined) socket.failure = undefined;
    await run(10 * MINUTE_MS);
    expect(a.told.map(({ state }) => state)).toEqual(['on', 'failed', 'on']);
  });

  it('opens another socket when one breaks, also if it cannot even send any more', async () => {
    const wire = new PacketWire();
    const a = machine(wire, 1);
    await a.discovery.start();
    await run();
    const [socket] = wire.sockets;
    if (socket !== undefined) socket.isClosed = true;
    socket?.emit('error', error('EBADF'));
    expect(a.discovery.state.state).toBe('failed');
    await run(SCAN_MS);
    expect(a.discovery.state.state).toBe('on');
    expect(wire.sockets).toHaveLength(2);
  });
});

describe('strangers on the local network', () => {
  async function victim() {
    const wire = new PacketWire();
    const a = machine(wire, 1);
    await a.discovery.start();
    await run();
    wire.packets.length = 0;
    return { wire, a };
  }

  const stranger = (n: number) => ({
    name: `stranger-${n}`,
    port: 6000 + n,
    text: ['v=2', 'net=openclaw', `peer=${peerId(n % 250)}`],
  });

  it('can be heard at all, so that the rest of these tests means something', async () => {
    const { wire, a } = await victim();
    wire.say(servicePacket(stranger(9)), {});
    await run(10);
    expect(a.found).toEqual([{ url: 'ws://192.168.1.66:6009/', peer: peerId(9), scope: 'private' }]);
  });

  it.each<[string, Parameters<PacketWire['say']>]>([
    ['from another network', [servicePacket(stranger(9)), { address: '8.8.8.8' }]],
    ['from loopback', [servicePacket(stranger(9)), { address: '127.0.0.1' }]],
    ['from a port that is not the one of multicast DNS', [servicePacket(stranger(9)), { port: 40_000 }]],
    [
      'with our own id',
      [servicePacket({ ...stranger(9), text: ['v=2', 'net=openclaw', `peer=${peerId(1)}`] }), {}],
    ],
    [
      'with a text that lacks the keys',
      [servicePacket({ ...stranger(9), text: ['v', 'net', '=', '__proto__=x'] }), {}],
    ],
    ['with port 0', [servicePacket({ ...stranger(9), port: 0 }), {}]],
    [
      'with more bytes than a packet has',
      [Buffer.concat([servicePacket(stranger(9)), Buffer.alloc(9000)]), {}],
    ],
  ])('are not found %s', async (_name, [packet, from]) => {
    const { wire, a } = await victim();
    wire.say(packet, from);
    await run(10);
    expect(a.found).toEqual([]);
  });

  it('cannot silence a daemon by claiming its name while it begins', async () => {
    const wire = new PacketWire();
    const a = machine(wire, 1);
    const log = vi.spyOn(console, 'log');
    await a.discovery.start();
    const name = peerId(1).slice(0, 12);
    for (let i = 0; i < 15; i++) {
      wire.say(servicePacket({ name, port: 1, text: [] }), {});
      await run(100);
    }
    const b = machine(wire, 2);
    await b.discovery.start();
    await run();
    expect(b.found.map(({ peer }) => peer)).toContain(peerId(1));
    expect(log).not.toHaveBeenCalled();
    log.mockRestore();
  });

  it('cannot make it hand on addresses without end, nor remember services without end', async () => {
    const { wire, a } = await victim();
    for (let n = 0; n < 3000; n++) {
      wire.say(servicePacket(stranger(n)), {});
      if (n % 50 === 49) await run(1000);
    }
    const { localFindingsBurst, localFindingsPerSecond, localServicesMax } = NET_LIMITS;
    expect(a.found.length).toBeLessThanOrEqual(localFindingsBurst + 61 * localFindingsPerSecond);
    expect(a.discovery.state.peers).toBeLessThanOrEqual(localServicesMax);
  });

  it('cannot make it answer without end', async () => {
    const { wire } = await victim();
    for (let n = 0; n < 500; n++) wire.say(questionPacket(TYPE_NAME, 'PTR', 10), {});
    await run(1000);
    const { localSendsBurst, localSendsPerSecond } = NET_LIMITS;
    expect(wire.packets.length).toBeGreaterThan(0);
    expect(wire.packets.length).toBeLessThanOrEqual(localSendsBurst + 2 * localSendsPerSecond);
    // What has too many questions or records is not read at all.
    await run(MINUTE_MS);
    wire.packets.length = 0;
    wire.say(questionPacket(TYPE_NAME, 'PTR', NET_LIMITS.localQuestionsMax + 1), {});
    const pointer = { name: TYPE_NAME, type: 'PTR', data: Buffer.of(0) } as const;
    wire.say(answerPacket(Array.from({ length: NET_LIMITS.localRecordsMax + 1 }, () => pointer)), {});
    await run(10);
    expect(wire.packets).toEqual([]);
  });

  it('cannot harm it with garbage', async () => {
    const { wire, a } = await victim();
    const genuine = servicePacket(stranger(9));
    const damaged = fc
      .tuple(
        fc.array(fc.tuple(fc.nat(genuine.length - 1), fc.nat(255)), { maxLength: 8 }),
        fc.nat(genuine.length),
      )
      .map(([changes, length]) => {
        const packet = Buffer.from(genuine);
        for (const [at, byte] of changes) packet[at] = byte;
        return packet.subarray(0, length);
      });
    const random = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, random), async (packet) => {
        wire.say(packet, {});
        await run(100);
        for (const { url } of a.found) expect(url).toMatch(/^ws:\/\/192\.168\.1\.66:\d+\/$/);
      }),
      { numRuns: 500 },
    );
    await run(10 * MINUTE_MS); // the budget of findings is full again
    a.found.length = 0;
    wire.say(servicePacket({ ...stranger(9), name: 'genuine' }), {});
    await run(10);
    expect(a.found).toMatchObject([{ peer: peerId(9) }]);
  });
});
