/**
 * kill -9 at chosen calls to the system, where a process that dies leaves the most behind: while it makes its folder, while
 * a schema is changed, while commits and checkpoints go to the disk. The next start has everything that was acknowledged.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { SCHEMA_VERSION } from '../../store/migrations.ts';
import { findCopies } from '../../store/sqlite-copy.ts';
import { OLD_SCHEMAS, writeOldDatabase } from '../../store/testing/legacy-schemas.ts';
import { NETWORK } from '../../store/testing/messages.ts';
import { storedIds } from '../testing/database.ts';
import { MeshProcess, runMesh } from '../testing/mesh-process.ts';
import { Choices } from '../testing/random.ts';
import { held, IDS, OPS, sweepSchemaCrashes } from '../testing/schema-crashes.ts';
import { CAN_TRACE, killedAt } from '../testing/trace.ts';

const CHANNEL = '#crash';
/** of the databases that are written here */
const OLD_NETWORK = { MESH_NETWORK: NETWORK };
const ANY_PORTS = { PORT: '0', MESH_API_PORT: '0' };

describe.runIf(CAN_TRACE)('a change of the schema, killed', () => {
  it.each(OLD_SCHEMAS)('from schema %d, leaves everything and a way back', async (schema) => {
    expect(await sweepSchemaCrashes(schema, 'fsync', 6)).toBeGreaterThan(0);
    expect(await sweepSchemaCrashes(schema, 'pwrite64', 60)).toBeGreaterThan(0);
  });

  it('by a daemon is finished at its next start, which says so and how to go back', async () => {
    const [schema] = OLD_SCHEMAS as [number];
    const mesh = await MeshProcess.create();
    const file = path.join(mesh.data, 'store.db');
    fs.mkdirSync(mesh.data, { mode: 0o700 });
    writeOldDatabase(file, schema, OPS);
    const { signal } = await runMesh(['start', '--data', mesh.data], {
      under: killedAt('fsync', 3),
      env: { ...ANY_PORTS, ...OLD_NETWORK },
    });
    expect(signal).toBe('SIGKILL');
    expect(held(file).ids).toEqual(IDS);
    await mesh.restart({ env: OLD_NETWORK });
    const notes = mesh.log.map(({ note }) => String(note));
    const copy = findCopies(file).at(-1) ?? '';
    expect(notes.find((note) => note.includes(`schema ${SCHEMA_VERSION}`) && note.includes(copy))).toContain(
      `rename ${copy} to ${file}`,
    );
    expect((await mesh.read('dev')).map(({ id }) => id).sort()).toEqual(IDS);
    expect(held(copy)).toEqual({ ids: IDS, schema });
    await mesh.stop();
  });
});

describe.runIf(CAN_TRACE)('a daemon, killed', () => {
  it('while it makes its folder, keys and database, starts the next time', async () => {
    const mesh = await MeshProcess.create();
    const choices = new Choices('kill at a flush of the first start');
    for (const when of [choices.between(1, 5), choices.between(6, 12)]) {
      fs.rmSync(mesh.data, { recursive: true, force: true });
      const { signal } = await runMesh(['start', '--data', mesh.data], {
        under: killedAt('fsync', when),
        env: ANY_PORTS,
      });
      expect(signal, `at flush ${when}`).toBe('SIGKILL');
      await mesh.restart();
      expect((await mesh.client.status()).problems, `at flush ${when}`).toEqual([]);
      await mesh.stop();
    }
  });

  // A start takes 35 flushes and 300 writes, which grow with each step of the schema: the kills come long after it.
  it.each([
    ['a flush of a commit', 'fsync', 60, 100],
    ['a write of a commit', 'pwrite64', 700, 1200],
    ['a write around the first checkpoint', 'pwrite64', 2300, 2700],
  ] as const)('at %s, has what it had acknowledged', async (what, call, min, max) => {
    const choices = new Choices(`kill at ${what}`);
    const mesh = await MeshProcess.start({ under: killedAt(call, choices.between(min, max)) });
    mesh.expectEnd();
    const acknowledged: string[] = [];
    const isDead = mesh.ended.then(() => true);
    for (let i = 0; !(await Promise.race([isDead, false])); i++) {
      try {
        acknowledged.push((await mesh.client.publish({ channel: CHANNEL, body: `${i}` })).id);
      } catch {
        expect((await mesh.ended).signal).toBe('SIGKILL');
      }
    }
    await mesh.restart({});
    const ids = storedIds(mesh);
    expect(acknowledged.length).toBeGreaterThan(1);
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
    expect(ids.size - acknowledged.length).toBeLessThanOrEqual(1);
    await mesh.client.publish({ channel: CHANNEL, body: 'and on' });
    await mesh.stop();
  });
});
