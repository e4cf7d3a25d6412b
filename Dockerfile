# One image for every part; docker-compose.yml says which one a container runs.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY . .
# Builds the studio's extensions as well, from the sources that were just copied.
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app ./
# Uploaded files of the studio, and everything of the demo; the code itself is never written to.
RUN mkdir -p /data && chown node:node /data
VOLUME /data
USER node
CMD ["node", "checkout/server.ts"]
