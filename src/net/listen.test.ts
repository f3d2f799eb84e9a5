import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listenOn } from './listen.ts';

function server(): net.Server {
  const created = net.createServer();
  onTestFinished(() => void created.close());
  return created;
}

async function takePort(): Promise<number> {
  return (await listenOn(server(), { host: '127.0.0.1', port: 0, fixedPort: true })).port;
}

describe('listening', () => {
  it('moves from a default port that is taken to the next free one and says so', async () => {
    const port = await takePort();
    const where = await listenOn(server(), { host: '127.0.0.1', port, fixedPort: false });
    expect(where.moved).toBe(true);
    expect(where.port).toBeGreaterThan(port);
    expect(where.port).toBeLessThanOrEqual(port + 50);
  });

  it('stays on a free port', async () => {
    const host = '127.0.0.77';
    const { port } = await listenOn(server(), { host, port: 0, fixedPort: false });
    expect(await listenOn(server(), { host: '127.0.0.78', port, fixedPort: false })).toEqual({
      host: '127.0.0.78',
      port,
      moved: false,
    });
  });

  it('refuses a set port that is taken', async () => {
    const port = await takePort();
    await expect(listenOn(server(), { host: '127.0.0.1', port, fixedPort: true })).rejects.toMatchObject({
      code: 'port_in_use',
      detail: `Port ${port} is taken on 127.0.0.1.`,
    });
  });

  it('refuses an address that this host does not have', async () => {
    await expect(listenOn(server(), { host: '192.0.2.1', port: 0, fixedPort: false })).rejects.toMatchObject({
      code: 'bad_option',
      detail: expect.stringContaining('EADDRNOTAVAIL'),
    });
  });
});
