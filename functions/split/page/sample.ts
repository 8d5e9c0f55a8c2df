// Draws a picture to try Tessera with: hills at dusk, in other colours and shapes each time.

const [WIDTH, HEIGHT] = [2304, 1536];
const HILLS = 6;

/** Returns the picture as a PNG file. */
export async function drawSample(random = Math.random): Promise<Blob> {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser cannot draw.');
  const hue = 180 + random() * 160;
  drawSky(context, hue, random);
  for (let hill = 0; hill < HILLS; hill++) drawHill(context, hue, hill, random);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Error('This browser cannot write PNG files.'));
      else resolve(blob);
    }, 'image/png');
  });
}

function drawSky(context: CanvasRenderingContext2D, hue: number, random: () => number): void {
  const sky = context.createLinearGradient(0, 0, 0, HEIGHT * 0.75);
  sky.addColorStop(0, `hsl(${hue} 55% 24%)`);
  sky.addColorStop(0.6, `hsl(${hue + 60} 60% 58%)`);
  sky.addColorStop(1, `hsl(${hue + 110} 85% 74%)`);
  context.fillStyle = sky;
  context.fillRect(0, 0, WIDTH, HEIGHT);
  const [x, y] = [WIDTH * (0.25 + random() * 0.5), HEIGHT * 0.42];
  context.fillStyle = `hsl(42 100% 90%)`;
  disc(context, x, y, 120);
  context.fillStyle = 'white';
  for (let star = 0; star < 90; star++) {
    context.globalAlpha = random() * 0.8;
    disc(context, random() * WIDTH, random() ** 2 * HEIGHT * 0.4, 1.5 + random() * 3);
  }
  context.globalAlpha = 1;
}

function drawHill(context: CanvasRenderingContext2D, hue: number, hill: number, random: () => number): void {
  const share = hill / (HILLS - 1);
  const top = HEIGHT * (0.48 + share * 0.38);
  const phases = [random(), random(), random()].map((each) => each * 2 * Math.PI);
  context.fillStyle = `hsl(${hue + 50 - share * 40} ${45 - share * 10}% ${46 - share * 38}%)`;
  context.beginPath();
  context.moveTo(0, HEIGHT);
  for (let x = 0; x <= WIDTH; x += 8) {
    const waves = phases.reduce(
      (sum, phase, at) => sum + Math.sin((x / WIDTH) * (3 + at * 7) + phase) / (at + 1),
      0,
    );
    context.lineTo(x, top + waves * 70);
  }
  context.lineTo(WIDTH, HEIGHT);
  context.fill();
}

function disc(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}
