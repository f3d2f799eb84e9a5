/**
 * The daemon as a driver for a side-by-side bench with the interface of `system.ts`: `export * from` this file puts it
 * beside other systems. Needs Node 24, which strips types.
 */
import { mesh } from './mesh.ts';

export const { name, caps, start } = mesh;
