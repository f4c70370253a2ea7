import ts from "typescript";

/** Where in the value a node is, such as `.items.data[0].price`. */
export function pathOf(node: ts.Node): string {
  let path = "";
  for (let at = node; at.parent; at = at.parent) {
    if (ts.isPropertyAssignment(at)) path = `.${at.name.getText().replaceAll('"', "")}${path}`;
    else if (ts.isArrayLiteralExpression(at.parent)) path = `[${at.parent.elements.indexOf(at as ts.Expression)}]${path}`;
  }
  return path;
}
