"""Operations: durable jobs that survive any crash (`/v3/jobs`)."""
