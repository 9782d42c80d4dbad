// What a colour means now: one scale for all maps in view, unless each is to have its own.
// maps: all that are shown; reference: one of them or null. paint(map, values, others, pixels) colours values of the
// map; others: the reference's values at the same places, needed where `compares`.
import { floorsOf, furthest } from "./maps.js";
import { bandTable, differenceTable, paintBands, paintDifference, paintScale, scaleTable } from "./paint.js";

export function scaleOf(data, maps, reference) {
  const weakestFirst = scaleTable(data.bands);
  if (data.view === "difference") {
    const table = differenceTable();
    const range = reference ? Math.max(0, ...maps.map((map) => furthest(map, reference))) : 0;
    const paint = (map, values, others, pixels) => paintDifference(values, others, range, table, pixels);
    return { kind: "difference", compares: true, most: range, table, paint };
  }
  if (data.scale === "area") {
    const table = bandTable(data.bands);
    const shares = data.bands.map(({ share }) => share);
    const paint = (map, values, others, pixels) => {
      map.floors ??= floorsOf(map, shares);
      paintBands(values, map.floors, table, pixels);
    };
    return { kind: "area", compares: false, most: 0, table, paint };
  }
  const common = data.scale === "density" ? Math.max(0, ...maps.map(({ top }) => top)) : null;
  const paint = (map, values, others, pixels) => paintScale(values, common ?? map.top, weakestFirst, pixels);
  return { kind: data.scale, compares: false, most: common, table: weakestFirst, paint };
}
