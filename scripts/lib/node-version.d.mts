export function isNodeNewEnough(major: number, minor: number): boolean;
