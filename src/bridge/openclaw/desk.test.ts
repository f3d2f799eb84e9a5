import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { MeshError } from '../../core/errors.ts';
import { DataFolderDesk, explain, isAway, isRefusal, neverLeft } from './desk.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-desk-'));
const servers: http.Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A daemon that answers with its name and what it was asked with. */
async function serve(token: string): Promise<void> {
  const server = http.createServer((request, response) => {
    response.end(
      JSON.stringify({ identity: token, items: [], authorization: request.headers.authorization }),
    );
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const file = { url, pid: process.pid, version: '1', started: '' };
  fs.writeFileSync(path.join(folder, 'api.json'), JSON.stringify(file));
  fs.writeFileSync(path.join(folder, 'agent-token'), `${token}\n`);
  fs.writeFileSync(path.join(folder, 'token'), 'the token of the owner');
}

describe('the daemon of a data folder', () => {
  it('is asked with the token of the agent, wherever it listens now', async () => {
    const desk = new DataFolderDesk(folder);
    await serve('first');
    expect(await desk.status()).toMatchObject({ identity: 'first', authorization: 'Bearer first' });
    await serve('second');
    expect(await desk.status()).toMatchObject({ identity: 'second', authorization: 'Bearer second' });
    desk.close();
  });

  it('is away where the files name none, and nothing was sent then', async () => {
    const desk = new DataFolderDesk(path.join(folder, 'none'));
    const error: unknown = await desk.status().catch((reason: unknown) => reason);
    expect(isAway(error)).toBe(true);
    expect(neverLeft(error)).toBe(true);
    expect(explain(error)).toMatch(/No daemon answers .* there is no file "api\.json"\. .*mesh start/);
  });

  it('is away where nothing listens at its port any more', async () => {
    await serve('gone');
    const desk = new DataFolderDesk(folder);
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
    const error: unknown = await desk.status().catch((reason: unknown) => reason);
    expect(neverLeft(error)).toBe(true);
    expect(explain(error)).not.toContain('gone');
  });
});

describe('a failure', () => {
  it('may have left where the connection broke in between', () => {
    const cause = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
    expect(neverLeft(new MeshError('no_daemon', '', { cause }))).toBe(false);
    expect(neverLeft(new MeshError('internal'))).toBe(false);
    expect(neverLeft(new Error('x'))).toBe(false);
  });

  it('is a refusal where the daemon said no', () => {
    expect(isRefusal(new MeshError('bad_request'))).toBe(true);
    expect(isRefusal(new MeshError('no_daemon'))).toBe(false);
    expect(isRefusal(new Error('x'))).toBe(false);
  });

  it('is told in words where it is none of ours', () => {
    expect(explain(new Error('odd'))).toBe('odd');
    expect(explain('odd')).toBe('odd');
  });
});
