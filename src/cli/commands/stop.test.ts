import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isDaemon, MeshError } from '../../api/client/index.ts';
import { startTestApi, type TestApi } from '../../api/testing/harness.ts';
import type { CommandContext } from '../command.ts';
import { exitCodeOf } from '../exit.ts';
import { runCli } from '../testing/run-cli.ts';
import { stopDaemon } from './stop.ts';

const AGENT = { token: 'agent', grant: { id: 'agent', scopes: ['status'], identity: null } } as const;

let api: TestApi;
let stops: number;
beforeEach(async () => {
  api = await startTestApi([AGENT]);
  stops = 0;
  api.gate.onStop = () => {
    stops += 1;
    fs.rmSync(path.join(api.folder, 'api.json')); // the last step of an orderly stop
  };
});
afterEach(() => api.stop());

describe('mesh stop', () => {
  it('asks once, and returns when the daemon has given its folder back', async () => {
    const { code, stdout } = await runCli(['stop', '--data', api.folder]);
    expect({ code, stdout, stops }).toEqual({
      code: 0,
      stdout: `Stopped (process ${process.pid}).\n`,
      stops: 1,
    });
  });

  it('gives one object with --json', async () => {
    expect((await runCli(['stop', '--json', '--data', api.folder])).json).toEqual([{ pid: process.pid }]);
  });

  it('where no daemon runs, asks nobody', async () => {
    fs.rmSync(path.join(api.folder, 'api.json'));
    const { code, stderr } = await runCli(['stop', '--data', api.folder]);
    expect(code).toBe(3);
    expect(stderr).toContain('No daemon answers');
    expect(stops).toBe(0);
  });

  it('takes a daemon that was started meanwhile for another one', () => {
    expect(isDaemon(api.folder, process.pid)).toBe(true);
    expect(isDaemon(api.folder, process.pid + 1)).toBe(false);
    fs.writeFileSync(path.join(api.folder, 'api.json'), '{');
    expect(isDaemon(api.folder, process.pid)).toBe(false);
  });

  it('says so when the daemon does not end', async () => {
    api.gate.onStop = () => undefined;
    const context = { dataFolder: api.folder } as CommandContext;
    await expect(stopDaemon(context, 1)).rejects.toMatchObject({ code: 'stop_timeout' });
    expect(exitCodeOf(new MeshError('stop_timeout'))).toBe(1);
  });

  it('while somebody else has stopped it already waits for the same end', async () => {
    await api.api.drain(); // from now on requests get "stopping"
    const stopping = runCli(['stop', '--data', api.folder]);
    setImmediate(() => fs.rmSync(path.join(api.folder, 'api.json')));
    expect((await stopping).stdout).toBe(`Stopped (process ${process.pid}).\n`);
    expect(stops).toBe(0);
  });
});

describe('POST /v1/stop', () => {
  it('is not for the token of an agent', async () => {
    const headers = { authorization: `Bearer ${AGENT.token}` };
    expect(await api.codeOf('/v1/stop', { method: 'POST', headers })).toBe('forbidden');
    expect(await api.codeOf('/v1/stop', { method: 'POST', headers: { authorization: undefined } })).toBe(
      'unauthenticated',
    );
    expect(stops).toBe(0);
  });

  it('is answered whole, even if the end closes all sockets at once', async () => {
    api.gate.onStop = () => void api.api.close();
    const { status, json } = await api.ask('/v1/stop', { method: 'POST' });
    expect(status).toBe(202);
    expect(json).toEqual({ pid: process.pid });
  });
});
