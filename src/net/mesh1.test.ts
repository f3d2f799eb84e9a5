/** Links with mesh/1 peers as the net has them: large texts once they are allowed, and pings where the protocol has none. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MiB } from '../core/limits.ts';
import { Heartbeat } from './heartbeat.ts';
import { closeOf, connectClient, startNet } from './testing/net.fixture.ts';

async function startLink() {
  const hub = await startNet();
  const client = await connectClient(hub.url);
  await hub.log.next('link-opened');
  return { hub, client };
}

describe('a link with a mesh/1 peer', () => {
  it('takes texts as large as it is told, and no larger', async () => {
    const { hub, client } = await startLink();
    hub.net.mesh1(1, 8 * MiB);
    client.send('x'.repeat(8 * MiB));
    expect((await hub.log.next('text-received')).text).toHaveLength(8 * MiB);
    hub.net.mesh1(1, MiB);
    client.send('y'.repeat(MiB));
    expect((await hub.log.next('text-received', 2)).text).toHaveLength(MiB);
    client.send('z'.repeat(MiB + 1));
    expect(await closeOf(client)).toMatchObject({ code: 1009 });
    expect((await hub.log.next('link-closed')).reason).toMatch(/^invalid_message/);
  });

  it('takes them in fragments too, and none before it is told', async () => {
    const { hub, client } = await startLink();
    hub.net.mesh1(1, 8 * MiB);
    client.send('x'.repeat(100), { fin: false });
    for (let i = 0; i < 40; i++) client.send('x'.repeat(100), { fin: false });
    client.send('x'.repeat(100));
    expect((await hub.log.next('text-received')).text).toHaveLength(4200);
    const other = await connectClient(hub.url);
    await hub.log.next('link-opened', 2);
    other.send('x'.repeat(9000));
    expect((await hub.log.next('link-closed')).reason).toMatch(/^invalid_message/);
  });

  it('counts as finished, and tells when a text has left', async () => {
    const { hub } = await startLink();
    hub.net.mesh1(1, MiB);
    expect(hub.net.stats()).toMatchObject({ up: 1 });
    hub.net.sendText(1, 'text', 9);
    expect(await hub.log.next('link-flushed')).toEqual({ kind: 'link-flushed', link: 1, notify: 9 });
  });
});

describe('the heartbeat', () => {
  afterEach(() => void vi.useRealTimers());

  function setUp() {
    vi.useFakeTimers();
    const listeners = new Map<string, () => void>();
    const state = { isPaused: false, pings: 0, deaths: 0 };
    const ws = {
      on: (name: string, listener: () => void) => listeners.set(name, listener),
      ping: () => state.pings++,
      get isPaused() {
        return state.isPaused;
      },
    };
    const heartbeat = new Heartbeat(ws, () => state.deaths++, 1000);
    return { state, heartbeat, hear: (name: string) => listeners.get(name)?.() };
  }

  it('ends a connection after two periods without a sign of life', () => {
    const { state } = setUp();
    vi.advanceTimersByTime(2000);
    expect(state).toMatchObject({ pings: 2, deaths: 0 });
    vi.advanceTimersByTime(1000);
    expect(state.deaths).toBe(1);
  });

  it.each(['pong', 'message'])('takes a %s for one', (name) => {
    const { state, hear } = setUp();
    for (let i = 0; i < 10; i++) {
      vi.advanceTimersByTime(1500);
      hear(name);
    }
    expect(state.deaths).toBe(0);
  });

  it('blames nobody whom we do not read, and stops', () => {
    const { state, heartbeat } = setUp();
    state.isPaused = true;
    vi.advanceTimersByTime(10_000);
    expect(state.deaths).toBe(0);
    heartbeat.stop();
    state.isPaused = false;
    vi.advanceTimersByTime(10_000);
    expect(state.deaths).toBe(0);
  });
});
