/** The idea of `crash-points.faults.test.ts` at every flush and removal, and at every seventh write. */
import { expect, it } from 'vitest';
import { OLD_SCHEMAS } from '../../store/testing/legacy-schemas.ts';
import { sweepSchemaCrashes } from '../testing/schema-crashes.ts';
import { CAN_TRACE } from '../testing/trace.ts';

it.runIf(CAN_TRACE).each(OLD_SCHEMAS)(
  'from schema %d a kill at any call leaves everything and a way back',
  async (schema) => {
    for (const [call, step] of [
      ['fsync', 1],
      ['unlink', 1],
      ['pwrite64', 7],
    ] as const)
      expect(await sweepSchemaCrashes(schema, call, step), call).toBeGreaterThan(0);
  },
);
