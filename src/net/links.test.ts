import { describe, expect, it, vi } from 'vitest';
import type { LinkEvent } from './links.ts';
import {
  clientFrame,
  closeOf,
  connectClient,
  connectRaw,
  connectUpgraded,
  startNet,
  startPair,
  type TestNet,
  upgradeRequest,
} from './testing/net.fixture.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a link', () => {
  it('is opened on both sides with numbers, nonces, keys and the scope of the other end', async () => {
    const { a, b } = await startPair();
    const [dialled] = a.log.all('link-opened');
    const [accepted] = b.log.all('link-opened');
    expect(dialled).toMatchObject({ link: 1, role: 'dialler', url: b.url, scope: 'loopback' });
    expect(accepted).toMatchObject({ link: 1, role: 'responder', url: '', scope: 'loopback' });
    expect(dialled?.nonce).toHaveLength(16);
    expect(dialled?.nonce).not.toEqual(accepted?.nonce);
    expect(dialled?.ephemeral).toEqual(new Uint8Array(32).fill(1));
  });

  it('that was accepted is as close as its request certainly is: a proxy that is not trusted hides who stands behind it', async () => {
    const scopes = async (trustProxy: number): Promise<string[]> => {
      const hub = await startNet({}, { trustProxy });
      const headers = ['', 'X-Forwarded-For: 192.168.0.9', 'X-Forwarded-For: 8.8.8.8', 'X-Forwarded-For: x'];
      for (const [i, header] of headers.entries()) {
        const raw = await connectRaw(hub.port);
        raw.socket.write(upgradeRequest('/', header === '' ? [] : [header]));
        await hub.log.next('link-opened', i + 1);
      }
      return hub.log.all('link-opened').map(({ scope }) => scope);
    };
    expect(await scopes(0)).toEqual(['loopback', 'public', 'public', 'public']);
    expect(await scopes(1)).toEqual(['loopback', 'private', 'public', 'public']);
  });

  it('carries text and frames in order, both ways, byte for byte', async () => {
    const { a, b } = await startPair();
    a.net.sendText(1, '{"type":"handshake","text":"\u00fc\ufeff"}');
    const frame = Uint8Array.from({ length: 70_000 }, (_, i) => i % 251);
    const before = frame.slice();
    a.net.send([1], frame, { droppable: false, notify: 7 });
    b.net.send([1], bytesOf('back'), { droppable: true, notify: 0 });
    expect((await b.log.next('text-received')).text).toBe('{"type":"handshake","text":"\u00fc\ufeff"}');
    expect((await b.log.next('frame-received')).bytes).toEqual(before);
    expect((await a.log.next('frame-received')).bytes).toEqual(bytesOf('back'));
    expect(await a.log.next('link-flushed')).toEqual({ kind: 'link-flushed', link: 1, notify: 7 });
    expect(frame).toEqual(before); // masking for the dialled side happened in a copy
    expect(b.log.all('link-flushed')).toEqual([]);
  });

  it('gives frames that do not keep the read buffer alive', async () => {
    const { a, b } = await startPair();
    a.net.send([1], bytesOf('small'), { droppable: false, notify: 0 });
    const { bytes } = await b.log.next('frame-received');
    expect(bytes.buffer.byteLength).toBe(5);
    expect(Buffer.isBuffer(bytes)).toBe(false);
  });

  it('sends one frame to many links and ignores those that are gone', async () => {
    const hub = await startNet();
    const clients = await Promise.all([1, 2, 3].map(() => connectClient(hub.url)));
    await hub.log.next('link-opened', 3);
    const received = clients.map((client) => new Promise((resolve) => client.once('message', resolve)));
    hub.net.send([1, 2, 3, 99], bytesOf('all'), { droppable: false, notify: 7 });
    expect(await Promise.all(received)).toEqual([1, 2, 3].map(() => Buffer.from('all')));
    await hub.log.next('link-flushed', 3);
    hub.net.sendText(99, 'x');
    hub.net.close(99, 'stopping', '');
    hub.net.markUp(99);
  });

  it('closes with the code and its reason, and both sides learn which', async () => {
    const { a, b } = await startPair();
    b.net.close(1, 'duplicate_link', 'the older one');
    b.net.close(1, 'banned', 'too late');
    expect((await b.log.next('link-closed')).reason).toBe('duplicate_link: the older one');
    expect((await a.log.next('link-closed')).reason).toBe('remote duplicate_link');
    expect(a.net.stats()).toMatchObject({ inbound: 0, outbound: 0 });
  });

  it('receives nothing more once it was closed here', async () => {
    const hub = await startNet();
    const client = await connectClient(hub.url);
    await hub.log.next('link-opened');
    hub.net.close(1, 'unauthorized', '');
    const closed = closeOf(client);
    client.send('late');
    client.send(bytesOf('late'));
    expect(await closed).toEqual({ code: 1008, reason: 'unauthorized' });
    await hub.log.next('link-closed');
    expect(hub.log.events.map((event) => event.kind)).toEqual(['link-opened', 'link-closed']);
  });

  it('is cut when the other side ignores the close frame', async () => {
    const hub = await startNet();
    const raw = await connectUpgraded(hub.port);
    await hub.log.next('link-opened');
    hub.net.close(1, 'unauthorized', '');
    await raw.closed;
    expect((await hub.log.next('link-closed')).reason).toBe('unauthorized');
  });

  it('is lost when the connection breaks without a word', async () => {
    const hub = await startNet();
    const raw = await connectUpgraded(hub.port);
    await hub.log.next('link-opened');
    raw.socket.resetAndDestroy();
    expect((await hub.log.next('link-closed')).reason).toBe('lost');
  });

  it('never reuses a number', async () => {
    const hub = await startNet();
    for (let round = 1; round <= 3; round++) {
      const client = await connectClient(hub.url);
      expect((await hub.log.next('link-opened', round)).link).toBe(round);
      client.close();
      await hub.log.next('link-closed', round);
    }
  });

  it('that nobody marks as up is closed after twice the handshake time, on either side', async () => {
    const { a, b } = await startPair({ handshakeMs: 150 });
    b.net.markUp(1);
    expect((await a.log.next('link-closed')).reason).toBe('handshake_timeout: not finished');
    expect((await b.log.next('link-closed')).reason).toBe('remote handshake_timeout');
  });
});

describe('a dial', () => {
  it.each([
    ['http://127.0.0.1:5000/', 'loopback', /^address_refused: the address does not begin with ws/],
    ['ws://127.0.0.1:5000/', 'public', /^address_refused: 127.0.0.1 is a loopback address/],
    ['ws://[::ffff:10.0.0.1]:5000/', 'public', /^address_refused: /],
    ['ws://192.168.0.1:22/', 'private', /^address_refused: port 22/],
    ['ws://[::1]:5000/', 'private', /^address_refused: /],
  ] as const)('to %s as a %s hint is refused before connecting', async (url, scope, reason) => {
    const { net, log } = await startNet();
    net.dial(url, scope);
    expect(log.events).toEqual([]); // nothing happens during the call
    const failed = await log.next('dial-failed');
    expect(failed).toEqual({ kind: 'dial-failed', url, reason: expect.stringMatching(reason) });
  });

  it('to a name that leads inside is refused at the moment of connecting', async () => {
    const target = await startNet();
    const { net, log } = await startNet(
      {},
      {
        resolve: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
      },
    );
    net.dial(`ws://peer.example:${target.port}/`, 'public');
    expect((await log.next('dial-failed')).reason).toMatch(
      /^address_refused: peer.example leads to 127.0.0.1/,
    );
    expect(target.net.stats()).toMatchObject({ accepted: 0, refused: 0 });
    net.dial(`ws://peer.example:${target.port}/`, 'loopback');
    await log.next('link-opened');
  });

  it('to a closed port says so', async () => {
    const gone = await startNet();
    await gone.net.shutdown();
    const { net, log } = await startNet();
    net.dial(gone.url, 'loopback');
    expect((await log.next('dial-failed')).reason).toMatch(/^ECONNREFUSED/);
  });

  it('to something that is no peer says what it answered', async () => {
    const { net, log, url } = await startNet();
    net.dial(`${url}elsewhere`, 'loopback');
    expect((await log.next('dial-failed')).reason).toMatch(/404/);
  });

  it('to a host that drips its answer ends at the deadline', async () => {
    const { createServer } = await import('node:net');
    const server = createServer((socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nX-Slow: ');
      const drip = setInterval(() => socket.write('a'), 20);
      socket.on('error', () => socket.destroy()).on('close', () => clearInterval(drip));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const { net, log } = await startNet({ handshakeMs: 300 });
    net.dial(`ws://127.0.0.1:${port}/`, 'loopback');
    expect((await log.next('dial-failed')).reason).toMatch(/^handshake_timeout/);
    expect(net.stats().dialling).toBe(0);
    await new Promise((resolve) => server.close(resolve));
  });

  it('beyond the number in progress or the number of links fails at once', async () => {
    const target = await startNet();
    const { net, log } = await startNet({ diallingMax: 2, linksMax: 3 });
    for (let i = 0; i < 3; i++) net.dial(target.url, 'loopback');
    expect((await log.next('dial-failed')).reason).toBe('too_many_links: 2 dials in progress');
    await log.next('link-opened', 2);
    net.dial(target.url, 'loopback');
    await log.next('link-opened', 3);
    net.dial(target.url, 'loopback');
    expect((await log.next('dial-failed', 2)).reason).toBe('too_many_links: 3 sockets are open');
  });
});

describe('a pause', () => {
  const PAUSE_MS = 40;
  const frames = [1, 2, 3].map((n) => clientFrame(2, Uint8Array.of(n)));

  /** A net that pauses a link whenever it gets a frame, and when each came. */
  async function pausing() {
    const came: { n: number; atMs: number }[] = [];
    const hub: TestNet = await startNet(
      {},
      {
        onEvent: (event) => {
          if (event.kind === 'frame-received') {
            came.push({ n: event.bytes[0] ?? 0, atMs: performance.now() });
            hub.net.pause(event.link, PAUSE_MS);
          }
          hub.log.push(event);
        },
      },
    );
    const raw = await connectUpgraded(hub.port);
    return { hub, raw, came };
  }

  it('holds back what came in the same read as well, and goes on where it stopped', async () => {
    const { hub, raw, came } = await pausing();
    raw.socket.write(Buffer.concat([...frames, clientFrame(1, bytesOf('text'))]));
    expect((await hub.log.next('text-received')).text).toBe('text');
    raw.socket.write(clientFrame(2, Uint8Array.of(4)));
    await hub.log.next('frame-received', 4);
    expect(came.map(({ n }) => n)).toEqual([1, 2, 3, 4]);
    for (const [i, { atMs }] of came.slice(1).entries())
      expect(atMs - (came[i]?.atMs ?? 0)).toBeGreaterThan(PAUSE_MS - 5);
  });

  it('loses nothing that came before the other side closed', async () => {
    const { hub, raw, came } = await pausing();
    const normalClosure = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);
    raw.socket.write(Buffer.concat([...frames, normalClosure]));
    await hub.log.next('link-closed');
    expect(came.map(({ n }) => n)).toEqual([1, 2, 3]);
    expect(hub.log.events.at(-1)?.kind).toBe('link-closed');
  });

  it('delivers nothing of it once the link was closed here', async () => {
    const { hub, raw, came } = await pausing();
    raw.socket.write(Buffer.concat(frames));
    await hub.log.next('frame-received');
    hub.net.close(1, 'stopping', '');
    await hub.log.next('link-closed');
    expect(came.map(({ n }) => n)).toEqual([1]);
  });
});

describe('backpressure', () => {
  const frame = new Uint8Array(64 * 1024).fill(7);

  /** A link whose other side reads nothing, with a send queue that has begun to grow. */
  async function stalled() {
    const hub = await startNet({ linkQueueBytesMax: 256 * 1024, linkQueueBytesClose: 512 * 1024 });
    const raw = await connectUpgraded(hub.port);
    raw.socket.pause();
    await hub.log.next('link-opened');
    while (hub.net.stats().queuedBytes === 0) {
      hub.net.send([1], frame, { droppable: true, notify: 0 });
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { hub, raw };
  }

  it('drops what may be dropped above the first mark and keeps memory bounded', async () => {
    const { hub } = await stalled();
    for (let i = 0; i < 1000; i++) hub.net.send([1], frame, { droppable: true, notify: 7 });
    const stats = hub.net.stats();
    expect(stats.queuedBytes).toBeLessThanOrEqual(256 * 1024);
    expect(stats.droppedFrames).toBeGreaterThan(990);
    expect(stats.droppedBytes).toBe(stats.droppedFrames * frame.length);
    expect(hub.log.all('link-closed')).toEqual([]);
  });

  it('drops what goes first long before what may be dropped', async () => {
    const { hub } = await stalled();
    const small = new Uint8Array(1024).fill(7);
    while (hub.net.stats().queuedBytes < 100 * 1024) hub.net.send([1], small, { droppable: true, notify: 0 });
    const { queuedBytes, droppedFrames } = hub.net.stats();
    hub.net.send([1], small, { droppable: 'first', notify: 7 });
    expect(hub.net.stats()).toMatchObject({ queuedBytes, droppedFrames: droppedFrames + 1 });
    hub.net.send([1], small, { droppable: true, notify: 0 });
    expect(hub.net.stats().queuedBytes).toBeGreaterThan(queuedBytes);
  });

  it('closes a link as too slow above the second mark, and leaves other links alone', async () => {
    const { hub } = await stalled();
    const other = await connectClient(hub.url);
    await hub.log.next('link-opened', 2);
    let received = 0;
    other.on('message', () => received++);
    for (let i = 0; i < 20; i++) hub.net.send([1], frame, { droppable: false, notify: 0 });
    hub.net.send([1, 2], frame, { droppable: false, notify: 7 });
    expect((await hub.log.next('link-closed')).reason).toBe('too_slow');
    expect(hub.net.stats()).toMatchObject({ tooSlow: 1, inbound: 1, queuedBytes: 0 });
    expect(hub.log.all('link-flushed')).toEqual([{ kind: 'link-flushed', link: 2, notify: 7 }]);
    await vi.waitFor(() => expect(received).toBe(1));
  });

  it('counts text as well', async () => {
    const { hub } = await stalled();
    for (let i = 0; i < 100; i++) hub.net.sendText(1, 'x'.repeat(8 * 1024));
    expect((await hub.log.next('link-closed')).reason).toBe('too_slow');
  });
});

describe('shutdown', () => {
  it('closes links, dials and raw sockets, says why, and is the same the second time', async () => {
    const { a, b } = await startPair();
    const raw = await connectRaw(b.port);
    await vi.waitFor(() => expect(b.net.stats().accepted).toBe(2));
    b.net.dial('ws://peer.example:5000/', 'public');
    const during = b.log.events.length;
    const done = b.net.shutdown();
    expect(b.log.events).toHaveLength(during);
    expect(b.net.shutdown()).toBe(done);
    await done;
    await raw.closed;
    expect((await a.log.next('link-closed')).reason).toBe('remote stopping');
    expect((await b.log.next('link-closed')).reason).toBe('stopping');
    expect(b.log.all('dial-failed')).toHaveLength(1);
    expect(b.net.stats()).toMatchObject({ inbound: 0, outbound: 0, accepted: 0, dialling: 0 });
    b.net.dial(a.url, 'loopback');
    expect((await b.log.next('dial-failed', 2)).reason).toBe('stopping');
  });

  it('works on a net that never listened', async () => {
    const events: LinkEvent[] = [];
    const { createLinkNet } = await import('./links.ts');
    const net = createLinkNet({
      onEvent: (event) => events.push(event),
      createEphemeral: () => new Uint8Array(32),
      bootstrapDocument: () => ({}),
    });
    await net.shutdown();
    expect(events).toEqual([]);
  });
});
