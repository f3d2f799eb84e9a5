/** What a checker or a scenario finds. */
import { SimFailure } from '../trace.ts';

/** The failure that ends `run`, `undefined` if none does. Other errors pass. */
export function failureOf(run: () => void): SimFailure | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof SimFailure) return error;
    throw error;
  }
  return undefined;
}
