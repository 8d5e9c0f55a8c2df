# One image per function: docker build --build-arg FUNCTION=split|blur|assemble .
# The build stage makes the bundles from the lockfile. The last stage contains only Node and one bundle.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

# Bundles are the same for every platform, so they are built on this machine's platform, without emulation.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY scripts/build.ts scripts/build.ts
COPY docs/openapi.yaml docs/openapi.yaml
COPY functions functions
ARG COMMIT=unknown
RUN npm run build --ignore-scripts

FROM ${NODE_IMAGE}
ARG FUNCTION
RUN test -n "${FUNCTION}" && rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn* /opt/yarn*
# Defaults for a cluster without a ConfigMap: listen on the pod's network, Redis by its short name in the same
# namespace, no volume.
ENV NODE_ENV=production HOST=0.0.0.0 STORE=redis REDIS_URL=redis://redis:6379
WORKDIR /app
COPY --from=build /app/dist/${FUNCTION} ./
# The function starts once, without Redis, so that its compiled code is in the image. Node uses it under the same user, on a CPU with the
# same features; elsewhere it starts without. If this start fails, the image still works.
RUN mkdir .compile-cache && chown 65532:65532 .compile-cache && (setpriv --reuid=65532 --regid=65532 --clear-groups env PORT=0 LOG_LEVEL=silent timeout --signal=KILL 5 node main.js || true) && chown -R 0:0 .compile-cache
# Numeric, so that runAsNonRoot can be checked. This user owns and writes nothing.
USER 65532:65532
EXPOSE 8080
CMD ["node", "main.js"]
