-- Judges an attempt and consumes the token, by the server's clock.
-- KEYS: the token. ARGV: the MAC that was found genuine, subject, tool, hash of the parameters ('' for those proposed),
-- id of the job, hash of the idempotency key ('' for none), wrong attempts after which it is taken back.
-- Answers with a word, and the record after it where it was consumed, now or before.

local function is_set(value)
  return value ~= nil and value ~= cjson.null
end

local raw = redis.call('GET', KEYS[1])
if not raw then
  return {'unknown'}
end
local record = cjson.decode(raw)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function keep()
  local kept = cjson.encode(record)
  redis.call('SET', KEYS[1], kept, 'XX', 'KEEPTTL')
  return kept
end

local function wrong(what)
  record.mismatches = record.mismatches + 1
  if record.mismatches >= tonumber(ARGV[7]) then
    record.revokedAt = now
  end
  keep()
  return {what}
end

if record.mac ~= ARGV[1] then
  return {'tampered'}
end
if record.subject ~= ARGV[2] then
  return {'subject'}
end
if is_set(record.revokedAt) then
  return {'revoked'}
end
if is_set(record.usedAt) then
  return {'used', raw}
end
if now >= record.expiresAt then
  return {'expired'}
end
if record.tool ~= ARGV[3] then
  return wrong('tool')
end
if ARGV[4] ~= '' and record.paramsHash ~= ARGV[4] then
  return wrong('params')
end
record.usedAt = now
record.jobId = ARGV[5]
record.idemHash = ARGV[6] ~= '' and ARGV[6] or cjson.null
return {'consumed', keep()}
