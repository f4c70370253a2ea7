// @ts-check
/** The shop's photographs: landscapes drawn from a seed, so that no picture has to be shipped. */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 400;
const HEIGHT = 300;

/**
 * @typedef {object} Scene
 * @property {string} title
 * @property {number} seed
 * @property {[string, string, string]} sky From the top to the horizon.
 * @property {[string, string]} land From the farthest ridge to the nearest.
 * @property {{ x: number, y: number, r: number, color: string }} sun
 * @property {number} roughness 0 for dunes, 1 for peaks.
 * @property {boolean} [water]
 */

/** @type {Scene[]} */
export const scenes = [
  { title: "First light, high ridge", seed: 11, sky: ["#2f4a7c", "#e2967c", "#fbdca8"], land: ["#c99a98", "#1b2440"], sun: { x: 268, y: 104, r: 21, color: "#fff3d6" }, roughness: 0.92 },
  { title: "Dunes at noon", seed: 23, sky: ["#6fb1d6", "#b9dbe6", "#f5ead2"], land: ["#ecca94", "#a8622f"], sun: { x: 282, y: 84, r: 20, color: "#fffbea" }, roughness: 0.12 },
  { title: "Fern valley", seed: 37, sky: ["#bcd8cf", "#dcebd9", "#f6f3dd"], land: ["#9cc0a5", "#123d31"], sun: { x: 300, y: 80, r: 26, color: "#fffdf0" }, roughness: 0.5 },
  { title: "Harbor, blue hour", seed: 41, sky: ["#0f1d45", "#3c4a8c", "#d58aa0"], land: ["#5b5f98", "#141a3a"], sun: { x: 190, y: 92, r: 15, color: "#ffe9d0" }, roughness: 0.4, water: true },
  { title: "Fjord, late summer", seed: 59, sky: ["#4f86a8", "#a9cbd0", "#fbe6c4"], land: ["#86a9ae", "#17414a"], sun: { x: 240, y: 96, r: 18, color: "#fff6dc" }, roughness: 0.75, water: true },
  { title: "Ember hills", seed: 73, sky: ["#3a1d3f", "#b4434a", "#f6a54c"], land: ["#a7434b", "#2a1026"], sun: { x: 200, y: 112, r: 30, color: "#ffdf8e" }, roughness: 0.35 },
];

/**
 * @param {Scene} scene
 * @returns {SVGSVGElement}
 */
export function draw(scene) {
  const random = generator(scene.seed);
  const picture = node("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" });
  const sky = `sky-${scene.seed}`;
  const glow = `glow-${scene.seed}`;
  picture.append(
    node("defs", {}, [
      node("linearGradient", { id: sky, x1: 0, y1: 0, x2: 0, y2: 1 }, [
        stop(0, scene.sky[0]),
        stop(0.36, scene.sky[1]),
        stop(0.6, scene.sky[2]),
      ]),
      node("radialGradient", { id: glow }, [stop(0, scene.sun.color, 0.85), stop(1, scene.sun.color, 0)]),
    ]),
    node("rect", { width: WIDTH, height: HEIGHT, fill: `url(#${sky})` }),
    node("circle", { cx: scene.sun.x, cy: scene.sun.y, r: scene.sun.r * 5, fill: `url(#${glow})` }),
    node("circle", { cx: scene.sun.x, cy: scene.sun.y, r: scene.sun.r, fill: scene.sun.color }),
  );
  const ridges = 5;
  for (let index = 0; index < ridges; index += 1) {
    const depth = index / (ridges - 1);
    const level = 178 + depth * 100;
    const height = (84 - depth * 30) * (0.35 + scene.roughness * 0.65);
    picture.append(node("path", { d: ridge(random, level, height, scene.roughness), fill: mix(...scene.land, depth) }));
    if (scene.water && index === 2) picture.append(...water(scene, level + 8));
  }
  return picture;
}

/**
 * @param {Scene} scene
 * @param {number} level
 */
function water(scene, level) {
  const glints = Array.from({ length: 9 }, (_, index) =>
    node("rect", {
      x: scene.sun.x - 34 + ((index * 37) % 29),
      y: level + 5 + index * 5,
      width: 62 - index * 4,
      height: 1.4,
      rx: 0.7,
      fill: scene.sun.color,
      opacity: 0.65 - index * 0.05,
    }),
  );
  return [node("rect", { y: level, width: WIDTH, height: HEIGHT, fill: mix(scene.sky[1], scene.land[1], 0.35) }), ...glints];
}

/**
 * A skyline by halving: each midpoint is moved by less than the one before.
 *
 * @param {() => number} random
 * @param {number} level
 * @param {number} height
 * @param {number} roughness
 */
function ridge(random, level, height, roughness) {
  let heights = [level - random() * height, level - random() * height];
  let reach = height;
  for (let round = 0; round < 6; round += 1) {
    const shift = reach;
    heights = heights.flatMap((left, index) => {
      const right = heights[index + 1];
      return right === undefined ? [left] : [left, (left + right) / 2 + (random() - 0.5) * shift];
    });
    reach *= 0.3 + roughness * 0.26;
  }
  const step = WIDTH / (heights.length - 1);
  const line = heights.map((y, index) => `L${(index * step).toFixed(1)} ${y.toFixed(1)}`).join("");
  return `M0 ${HEIGHT}${line}L${WIDTH} ${HEIGHT}Z`;
}

/**
 * Park and Miller's generator: the same pictures on every machine.
 *
 * @param {number} seed
 */
function generator(seed) {
  let state = seed * 7919;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

/**
 * @param {string} from
 * @param {string} to
 * @param {number} share
 */
function mix(from, to, share) {
  const channel = (/** @type {string} */ color, /** @type {number} */ at) => Number.parseInt(color.slice(at, at + 2), 16);
  const parts = [1, 3, 5].map((at) => Math.round(channel(from, at) * (1 - share) + channel(to, at) * share));
  return `rgb(${parts.join(" ")})`;
}

/**
 * @param {number} offset
 * @param {string} color
 * @param {number} [opacity]
 */
function stop(offset, color, opacity = 1) {
  return node("stop", { offset, "stop-color": color, "stop-opacity": opacity });
}

/**
 * @template {keyof SVGElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, string | number>} attributes
 * @param {Node[]} [children]
 * @returns {SVGElementTagNameMap[Name]}
 */
function node(name, attributes, children = []) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}
