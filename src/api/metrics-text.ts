/** Numbers in the text format of Prometheus, version 0.0.4. */
import type { MetricFamily, MetricSample } from '../daemon/index.ts';

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** A label's value may hold anything; these three are what the format escapes. */
function labelText([name, value]: readonly [string, string]): string {
  return `${name}="${value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')}"`;
}

function sampleLine(name: string, { labels, value }: MetricSample): string {
  const pairs = Object.entries(labels).map(labelText).join(',');
  return `${name}${pairs === '' ? '' : `{${pairs}}`} ${value}\n`;
}

export function metricsText(families: readonly MetricFamily[]): string {
  return families
    .map(({ name, type, help, samples }) => {
      const head = `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
      return head + samples.map((sample) => sampleLine(name, sample)).join('');
    })
    .join('');
}
