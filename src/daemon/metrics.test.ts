import { describe, expect, it } from 'vitest';
import { LIMITS } from '../core/limits.ts';
import { joined } from '../store/testing/messages.ts';
import type { MetricFamily } from './gate.ts';
import { METRICS, processFacts } from './metrics.ts';
import { NUMBERS, SNAPSHOT, setUp } from './testing/gate.ts';

function samplesOf(families: readonly MetricFamily[], name: string, labels: Record<string, string> = {}) {
  const samples = families.find((family) => family.name === name)?.samples ?? [];
  return samples.filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value));
}

const seriesOf = (families: readonly MetricFamily[]): string[] =>
  families.flatMap(({ name, samples }) => samples.map(({ labels }) => name + JSON.stringify(labels)));

describe('the numbers', () => {
  it('tell of links, channels, messages and sockets what is there', () => {
    const { gate, store, post } = setUp();
    store.transact([[joined('ops')]]);
    for (let i = 0; i < 3; i++) post({ body: `message ${i}` });
    const families = gate.metrics();
    const sole = (name: string, labels = {}): number[] =>
      samplesOf(families, name, labels).map(({ value }) => value);
    expect(sole('mesh_info', { version: '1.2.3', role: 'relay' })).toEqual([1]);
    expect(sole('mesh_links', { kind: 'overlay', protection: 'sealed' })).toEqual([1]);
    expect(sole('mesh_links').reduce((a, b) => a + b)).toBe(1);
    expect(sole('mesh_channels', { held: 'joined' })).toEqual([2]);
    expect(sole('mesh_messages', { held: 'joined' })).toEqual([3]);
    expect(sole('mesh_messages', { held: 'carried' })).toEqual([0]);
    expect(sole('mesh_message_bytes', { held: 'joined' })[0]).toBeGreaterThan(0);
    expect(sole('mesh_arrivals_total')).toEqual([3]);
    expect(sole('mesh_relays')).toEqual([SNAPSHOT.relays]);
    expect(sole('mesh_sockets_refused_total')).toEqual([NUMBERS.net.refused]);
    expect(sole('mesh_send_queue_bytes')).toEqual([NUMBERS.net.queuedBytes]);
    expect(sole('mesh_agent_attached')).toEqual([0]);
    expect(sole('process_cpu_seconds_total')).toEqual([NUMBERS.process.cpuSeconds]);
  });

  it('are as many series whatever peers, channels and authors there are', () => {
    const few = seriesOf(setUp({ links: [] }).gate.metrics());
    const links = Array.from({ length: 50 }, (_, i) => ({
      ...{ peer: `peer ${i}`, direction: 'in', url: '', kind: 'leaf', protection: 'none' },
      ...{ protocol: 'mesh/2', sinceWallMs: i, agent: `software ${i}`, unverified: 0 },
      ...{ agreement: 'unknown', agreementWallMs: 0, fetching: 0, catchUp: undefined },
    })) as typeof SNAPSHOT.links;
    const { gate, store, post } = setUp({ links });
    for (let i = 0; i < 50; i++) store.transact([[joined(`channel-${i}`)]]);
    post({});
    expect(seriesOf(gate.metrics())).toEqual(few);
    expect(few.length).toBeLessThan(LIMITS.apiPageMax);
  });

  it('have names and labels as the format wants them, and each label has its word on the page', () => {
    for (const { name, type, help, samples } of setUp().gate.metrics()) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(help).not.toBe('');
      for (const { labels } of samples)
        expect(Object.keys(labels).sort()).toEqual(Object.keys(METRICS[name]?.labels ?? {}).sort());
    }
  });

  it('of the process come from this one', () => {
    const before = processFacts();
    expect(before.residentBytes).toBeGreaterThan(before.heapBytes);
    expect(processFacts().cpuSeconds).toBeGreaterThanOrEqual(before.cpuSeconds);
    expect(before.cpuSeconds).toBeGreaterThan(0);
  });
});
