# One image for every part; docker-compose.yml says which one a container runs.
FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY . .
# Uploaded files of the studio, and everything of the demo; the code itself is never written to.
RUN mkdir -p /data && chown node:node /data
VOLUME /data
USER node
CMD ["node", "checkout/server.ts"]
