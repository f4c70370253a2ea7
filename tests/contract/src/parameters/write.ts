/** Writes `operations.json` anew; `tests/contract/parameters` runs it. */

import { writeFileSync } from "node:fs";
import { FILE, generated } from "./file.js";

writeFileSync(FILE, generated());
console.log(`wrote ${FILE}`);
