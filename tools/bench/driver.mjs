/**
 * The daemon as a driver of the shared side-by-side bench: a file `drivers/mesh.mjs` there with
 * `export * from '…/tools/bench/driver.mjs'` puts it beside the other systems. Needs Node 24, which strips types.
 */
import { mesh } from './mesh.ts';

export const { name, caps, start } = mesh;
