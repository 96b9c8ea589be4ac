"""What every API view shares: errors, permissions, paging, rate limits, fields and the schema."""
