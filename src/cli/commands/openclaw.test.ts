/** `mesh openclaw`: what it tells, and which commands it runs, with a program that stands for OpenClaw's. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IDENTITY, STRANGER } from '../../api/testing/fake-gate.ts';
import { startTestApi, type TestApi } from '../../api/testing/harness.ts';
import { pluginFolder } from '../openclaw/setup.ts';
import { type RunOptions, runCli } from '../testing/run-cli.ts';

let api: TestApi;
/** a program that notes its arguments, and ends with the number in the file beside it */
let program: string;
beforeEach(async () => {
  api = await startTestApi();
  program = path.join(api.folder, 'openclaw');
  const script =
    '#!/bin/sh\necho "installed $1"\nprintf \'%s\\n\' "$*" >> "$0.calls"\nexit "$(cat "$0.code")"\n';
  fs.writeFileSync(program, script, { mode: 0o700 });
  fs.writeFileSync(`${program}.code`, '0');
});
afterEach(() => api.stop());

const mesh = (argv: readonly string[], options?: RunOptions) =>
  runCli(['openclaw', ...argv, '--data', api.folder], { env: { PATH: process.env.PATH }, ...options });
const calls = (): string[] =>
  fs.existsSync(`${program}.calls`) ? fs.readFileSync(`${program}.calls`, 'utf8').trim().split('\n') : [];

describe('mesh openclaw status', () => {
  it('says who speaks for the agent, who may wake it and where, and what it may cost', async () => {
    const since = new Date(2026, 10, 20, 14, 5, 6).toISOString();
    api.gate.agent.client = { name: 'openclaw', since };
    api.gate.agent.allow({ identity: STRANGER, name: 'anna' });
    await api.gate.agent.setWake({ channel: '#dev', wake: 'mention' });
    await api.gate.agent.setWake({ channel: 'lobby', wake: 'always' });
    expect((await mesh(['status'])).stdout).toBe(
      [
        `Agent     ${IDENTITY}`,
        'Gateway   attached as openclaw since 2026-11-20 14:05:06',
        'Contacts  1 contact may wake the agent',
        'Channels  #dev (when mentioned), lobby (always)',
        'Inbox     0 waiting, 0 handed over; 0 unanswered or held back in the last 24 hours',
        'Budget    30 turns an hour and 120 a day for each contact, 60 and 240 for each channel; 10 automatic answers in a row',
        '',
      ].join('\n'),
    );
    expect((await mesh(['status', '--json'])).json).toMatchObject([
      { identity: IDENTITY, client: { name: 'openclaw', since } },
    ]);
  });

  it('says what to do where nothing is set up', async () => {
    const { stdout } = await mesh(['status']);
    expect(stdout).toContain('not attached; start it');
    expect(stdout).toContain('to let somebody: mesh allow IDENTITY');
    expect(stdout).toContain('to let one: mesh wake CHANNEL');
  });

  it('takes none of the options of setup', async () => {
    expect((await mesh(['status', '--owner', STRANGER])).code).toBe(2);
  });
});

describe('mesh openclaw setup', () => {
  it('says with --dry-run what it would run, and runs nothing', async () => {
    const { stdout } = await mesh(['setup', '--dry-run', '--openclaw', program, '--owner', STRANGER]);
    expect(stdout.trim().split('\n')).toEqual([
      `${program} plugins install ${pluginFolder()} --force --accept-capabilities`,
      `${program} channels add --channel mesh --data-folder ${api.folder} --owner ${STRANGER}`,
    ]);
    expect([calls(), api.gate.agent.people.size]).toEqual([[], 0]);
  });

  it('refuses an owner that is none, or the agent itself', async () => {
    expect((await mesh(['setup', '--owner', 'anna', '--openclaw', program])).code).toBe(2);
    const own = await mesh(['setup', '--owner', IDENTITY, '--openclaw', program]);
    expect([own.code, own.stderr.includes('the agent itself')]).toEqual([1, true]);
    expect(calls()).toEqual([]);
  });
});
