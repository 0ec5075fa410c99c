// Which hidden units are on, and which are dead.

// For each hidden unit, the number of rows on which it is on.
export function rowsOn({ shape: [rows, units], data }) {
  const on = new Uint16Array(units);
  for (let at = 0; at < rows * units; at++) if (data[at] > 0) on[at % units] += 1;
  return on;
}

// Of the rows on which each unit is on: how many units are off on every row.
export function deadUnits(on) {
  return on.reduce((dead, rows) => dead + (rows === 0), 0);
}
