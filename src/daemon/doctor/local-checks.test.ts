import { describe, expect, it } from 'vitest';
import type { LocalDiscoveryView } from '../gate.ts';
import { checkLocalNetwork } from './local-checks.ts';
import { running, subjectOf, tempFolder } from './testing/subject.ts';

const ON: LocalDiscoveryView = {
  ...{ mode: 'auto', state: 'on', reason: '', addresses: ['192.168.1.5'], peers: 1 },
};
const check = async (changes: Partial<LocalDiscoveryView>) =>
  checkLocalNetwork(running(await subjectOf(tempFolder()), { localDiscovery: { ...ON, ...changes } }));

describe('the local network', () => {
  it('is told with addresses and peers where discovery is on', async () => {
    expect(await check({})).toMatchObject({
      ...{ state: 'ok', what: 'Local discovery is on at 192.168.1.5; 1 other peer.' },
    });
  });

  it('is told with the reason where it is off, and with the option where nobody chose that', async () => {
    const off = { state: 'off', reason: 'this is a container' } as const;
    const what = 'Local discovery is off: this is a container.';
    expect(await check(off)).toMatchObject({
      ...{ state: 'ok', what: `${what} MESH_LOCAL_DISCOVERY=on switches it on.` },
    });
    expect(await check({ ...off, mode: 'on' })).toMatchObject({ state: 'ok', what });
  });

  it('warns where discovery fails, everywhere or on one interface', async () => {
    const reason = 'multicast DNS does not work on eth0';
    for (const state of ['failed', 'on'] as const)
      expect(await check({ state, reason })).toMatchObject({
        ...{ state: 'warn', what: expect.stringContaining(reason), mend: expect.stringMatching(/\.$/) },
      });
  });

  it('is skipped without a daemon, and with one that does not say it', async () => {
    const subject = await subjectOf(tempFolder());
    expect(checkLocalNetwork(subject).state).toBe('skipped');
    expect(checkLocalNetwork(running(subject)).state).toBe('skipped');
  });
});
