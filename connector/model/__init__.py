"""The values that every room uses: changes, entities, versions, problems, times, the limits of Customer.io."""
