// The fault tests have a short form, which is part of `npm run test:system`, and a full form, `npm run test:faults`.

export const isFull = process.env.FAULTS === 'full';
