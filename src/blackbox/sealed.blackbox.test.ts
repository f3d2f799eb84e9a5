/**
 * Somebody on the way between two daemons: on a sealed link there is nothing that he can read, and the first thing that
 * he changes, repeats or adds ends the link. Nothing is lost by it: the link is made again. The links here are over
 * loopback, which is sealed because the option says so; over a network they are by themselves.
 */
import { describe, expect, it } from 'vitest';
import { MeshProcess } from './testing/mesh-process.ts';
import { type Meddle, Road } from './testing/road.ts';
import { until } from './testing/wait.ts';

const SEALED = { MESH_SEAL_LOOPBACK: '1' };
const SECRET = 'the words that nobody on the way reads';

/** Two daemons that are linked over somebody's road; `far` was dialled. */
async function start(env: Readonly<Record<string, string>>) {
  const far = await MeshProcess.start({ env });
  const road = await Road.to(far.port);
  const near = await MeshProcess.start({ env, peers: [road.url] });
  for (const mesh of [far, near]) await mesh.client.join('#dev');
  await near.hasLinks(1);
  return { far, near, road };
}

const arrives = (mesh: MeshProcess, body: string): Promise<boolean> =>
  until(`"${body}" arrives`, async () =>
    (await mesh.read('#dev')).some((message) => message.body === body),
  ) as Promise<boolean>;

const stop = async (...all: readonly MeshProcess[]): Promise<void> => {
  for (const mesh of all) await mesh.stop();
};

describe('who reads along', () => {
  it('sees nothing of what goes over a sealed link', async () => {
    const { far, near, road } = await start(SEALED);
    await far.client.publish({ channel: '#dev', body: SECRET });
    await arrives(near, SECRET);
    expect(road.seen.length).toBeGreaterThan(500);
    expect(road.seen.includes(SECRET)).toBe(false);
    expect(road.seen.includes('#dev')).toBe(false);
    await stop(near, far);
  });

  it('would see it if the link were not sealed', async () => {
    const { far, near, road } = await start({});
    await far.client.publish({ channel: '#dev', body: SECRET });
    await arrives(near, SECRET);
    expect(road.seen.includes(SECRET)).toBe(true);
    await stop(near, far);
  });
});

describe('who meddles', () => {
  const changed: Meddle = (piece) => {
    const copy = Buffer.from(piece);
    copy[copy.length - 1] = (copy[copy.length - 1] as number) ^ 1;
    return [copy];
  };
  const repeated: Meddle = (piece) => [piece, piece];
  const injected: Meddle = (piece) => [Buffer.from([0x82, 3, 1, 2, 3]), piece];

  it.each([
    ['changes', changed],
    ['repeats', repeated],
    ['adds', injected],
  ] as const)('%s a single piece ends the link, and loses nothing', async (_, meddle) => {
    const { far, near, road } = await start(SEALED);
    const before = near.log.length;
    const connections = road.connections;
    road.meddle = (piece) => {
      road.meddle = (next) => [next];
      return meddle(piece);
    };
    await far.client.publish({ channel: '#dev', body: SECRET });
    await near.logged(
      'the link ends',
      (line) => near.log.indexOf(line) >= before && JSON.stringify(line).includes('record_damaged'),
    );
    await arrives(near, SECRET);
    await until('the link is made again', () => road.connections > connections);
    expect((await near.read('#dev')).filter(({ body }) => body === SECRET)).toHaveLength(1);
    await stop(near, far);
  });
});
